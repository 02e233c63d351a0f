#include "base/buf.h"
#include "base/err.h"
#include "nomad/jobspec/jobspec.h"
#include "t.h"

/* The job or the error, as text. */
static const char *parse(const char *text, const struct jobspec_opts *opts, struct arena *a,
                         struct job **ret)
{
    struct hcl_diags d = {.arena = a};
    int r = jobspec_parse(str_of(text), "input.hcl", opts, a, ret, &d);

    T_TRUE((r < 0) == (d.list.len > 0));
    return hcl_diags_text(a, &d);
}

/* What the API of Nomad answers for job files that are wrong. */
static const struct {
    const char *text, *vars, *want;
} errors[] = {
    /* clang-format off */
    {"   \n",
     "",
     "<nil>: Missing job block; A job block is required"},
    {"# only a comment",
     "",
     "<nil>: Missing job block; A job block is required"},
    {"group \"g\" {}",
     "",
     "input.hcl:1,1-6: Unsupported block type; Blocks of type \"group\" are not expected here."},
    {"variable \"a\" {}",
     "",
     "<nil>: Unset variable \"a\"; A used variable must be set or have a default value; see https://developer.hashicorp.com/nomad/docs/job-specification/hcl2/variables for details."},
    {"job {}",
     "",
     "input.hcl:1,5-6: Missing name for job; All job blocks must have 1 labels (name)."},
    {"job \"a\" \"b\" {}",
     "",
     "input.hcl:1,9-12: Extraneous label for job; Only 1 labels (name) are expected for job blocks."},
    {"job \"a\" {\n}\njob \"b\" {\n}",
     "",
     "input.hcl:3,1-8: Duplicate job block; Only one block of type \"job\" is allowed. Previous definition was at input.hcl:1,1-8."},
    {"resource \"x\" \"y\" {}",
     "",
     "input.hcl:1,1-9: Unsupported block type; Blocks of type \"resource\" are not expected here."},
    {"job = \"a\"",
     "",
     "input.hcl:1,1-4: Unsupported argument; An argument named \"job\" is not expected here. Did you mean to define a block of type \"job\"?"},
    {"job \"a\" {\n bogus = 1\ngroup \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n }\n }\n}",
     "",
     "input.hcl:2,2-7: Unsupported argument; An argument named \"bogus\" is not expected here."},
    {"job \"a\" {\n bogus {}\ngroup \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n }\n }\n}",
     "",
     "input.hcl:2,2-7: Unsupported block type; Blocks of type \"bogus\" are not expected here."},
    {"job \"a\" {\n group {}\n}",
     "",
     "input.hcl:2,8-9: Missing name for group; All group blocks must have 1 labels (name)."},
    {"job \"a\" {\n group \"x\" \"y\" {}\n}",
     "",
     "input.hcl:2,12-15: Extraneous label for group; Only 1 labels (name) are expected for group blocks."},
    {"job \"a\" {\n group \"g\" {\n task {}\n }\n}",
     "",
     "input.hcl:3,7-8: Missing name for task; All task blocks must have 1 labels (name)."},
    {"job \"a\" {\n type = \"batch\"\n type = \"service\"\n}",
     "",
     "input.hcl:3,2-6: Attribute redefined; The argument \"type\" was already set at input.hcl:2,2-6. Each argument may be set only once."},
    {"job \"a\" {\n type = [\"x\"]\n}",
     "",
     "input.hcl:2,9-10: Unsuitable value type; Unsuitable value: string required"},
    {"job \"a\" {\n datacenter = [\"dc1\"]\n}",
     "",
     "input.hcl:2,2-12: Unsupported argument; An argument named \"datacenter\" is not expected here. Did you mean \"datacenters\"?"},
    {"job \"a\" {\n grp \"g\" {}\n}",
     "",
     "input.hcl:2,2-5: Unsupported block type; Blocks of type \"grp\" are not expected here. Did you mean \"group\"?"},
    {"job \"a\" {\n update = 3\n}",
     "",
     "input.hcl:2,2-8: Unsupported argument; An argument named \"update\" is not expected here. Did you mean to define a block of type \"update\"?"},
    {"job \"a\" {\n update {\n max_parallel = \"many\"\n }\n}",
     "",
     "input.hcl:3,18-22: Unsuitable value type; Unsuitable value: a number is required"},
    {"job \"a\" {\n update {}\n update {}\n}",
     "",
     "input.hcl:3,2-8: Duplicate update block; Only one update block is allowed. Another was defined at input.hcl:2,2-8."},
    {"job \"a\" {\n periodic {}\n periodic {}\n}",
     "",
     "input.hcl:3,2-10: Duplicate periodic block; Only one periodic block is allowed. Another was defined at input.hcl:2,2-10."},
    {"job \"a\" {\n constraint \"x\" {}\n}",
     "",
     "input.hcl:2,13-16: Extraneous label for constraint; No labels are expected for constraint blocks."},
    {"job \"a\" {\n meta = \"x\"\n}",
     "",
     "input.hcl:2,10-11: Unsuitable value type; Unsuitable value: map of string required"},
    {"job \"a\" {\n meta = [\"x\"]\n}",
     "",
     "input.hcl:2,9-10: Unsuitable value type; Unsuitable value: map of string required"},
    {"job \"a\" {\n meta {\n a = [1]\n }\n}",
     "",
     "input.hcl:3,6-7: Unsuitable value type; Unsuitable value: string required"},
    {"job \"a\" {\n meta {\n a {}\n }\n}",
     "",
     "input.hcl:3,4-5: Unsuitable value type; Unsuitable value: string required"},
    {"job \"a\" {\n group \"g\" {\n network {\n port \"p\" {\n static = \"abc\"\n }\n }\n }\n}",
     "",
     "input.hcl:5,12-15: Unsuitable value type; Unsuitable value: a number is required"},
    {"job \"a\" {\n group \"g\" {\n restart {\n delay = \"soon\"\n }\n }\n}",
     "",
     "input.hcl:4,11-15: Unsuitable value type; Unsuitable duration value: time: invalid duration \"soon\""},
    {"job \"a\" {\n group \"g\" {\n volume {}\n }\n}",
     "",
     "input.hcl:3,9-10: Missing name for volume; All volume blocks must have 1 labels (name)."},
    {"job \"a\" {\n group \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n resources {\n cpu = \"lots\"\n }\n }\n }\n}",
     "",
     "input.hcl:6,9-13: Unsuitable value type; Unsuitable value: a number is required"},
    {"job \"a\" {\n group \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n resources {\n cpus = 1\n }\n }\n }\n}",
     "",
     "input.hcl:6,2-6: Unsupported argument; An argument named \"cpus\" is not expected here. Did you mean \"cpu\"?"},
    {"job \"a\" {\n group \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n vault {\n policies = \"x\"\n }\n }\n }\n}",
     "",
     "input.hcl:6,14-15: Unsuitable value type; Unsuitable value: list of string required"},
    {"job \"a\" {\n group \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n vault {\n policy = [\"x\"]\n }\n }\n }\n}",
     "",
     "input.hcl:6,2-8: Unsupported argument; An argument named \"policy\" is not expected here."},
    {"job \"a\" {\n group \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n vault {}\n vault {}\n }\n }\n}",
     "",
     "input.hcl:6,2-7: Duplicate vault block; Only one vault block is allowed. Another was defined at input.hcl:5,2-7."},
    {"job \"a\" {\n group \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n action {}\n }\n }\n}",
     "",
     "input.hcl:5,9-10: Missing name for action; All action blocks must have 1 labels (name)."},
    {"job \"a\" {\n group \"g\" {\n scaling {\n }\n task \"t\" {\n driver = \"raw_exec\"\n }\n }\n}",
     "",
     "input.hcl:3,10-10: Missing required argument; The argument \"max\" is required, but no definition was found."},
    {"job \"a\" {\n group \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n scaling \"disk\" {\n max = 1\n }\n }\n }\n}",
     "",
     "input.hcl:5,10-16: Invalid scaling policy name; scaling policy name must be \"cpu\" or \"mem\""},
    {"variable \"a\" {}\njob \"x\" {\n name = var.a\n}",
     "",
     "<nil>: Unset variable \"a\"; A used variable must be set or have a default value; see https://developer.hashicorp.com/nomad/docs/job-specification/hcl2/variables for details."},
    {"job \"x\" {\n name = var.missing\n}",
     "",
     "input.hcl:2,12-20: Unsupported attribute; This object does not have an attribute named \"missing\".\ninput.hcl:2,9-20: Unsuitable value type; Unsuitable value: value must be known"},
    {"job \"x\" {\n name = local.missing\n}",
     "",
     "input.hcl:2,14-22: Unsupported attribute; This object does not have an attribute named \"missing\".\ninput.hcl:2,9-22: Unsuitable value type; Unsuitable value: value must be known"},
    {"job \"x\" {\n name = var\n}",
     "",
     "input.hcl:2,9-12: Unsuitable value type; Unsuitable value: string required"},
    {"variable \"a\" {\n default = 1\n}\nvariable \"a\" {\n default = 2\n}\njob \"x\" {\n}",
     "",
     "<nil>: Duplicate variable; Duplicate a variable definition found."},
    {"variable \"a\" {\n type = sting\n}\njob \"x\" {\n}",
     "a = 1",
     "input.hcl:2,9-14: Invalid type specification; The keyword \"sting\" is not a valid type specification.\n<nil>: Undefined variable; A \"a\" variable was set but was not found in known variables. To declare variable \"a\", place this block in your job files"},
    {"variable \"a\" {\n type = \"string\"\n}\njob \"x\" {\n name = var.a\n}",
     "a = \"s\"",
     "input.hcl:2,9-17: Invalid type specification; A type specification is either a primitive type keyword (bool, number, string) or a complex type constructor call, like list(string).\n<nil>: Undefined variable; A \"a\" variable was set but was not found in known variables. To declare variable \"a\", place this block in your job files"},
    {"variable \"a\" {\n type = number\n default = \"x\"\n}\njob \"x\" {\n}",
     "",
     "input.hcl:3,12-15: Invalid default value for variable; This default value is not compatible with the variable's type constraint: a number is required."},
    {"variable \"a\" {\n type = number\n}\njob \"x\" {\n}",
     "a = \"x\"",
     "input.hcl:1,5-8: Invalid value for variable; The value for a is not compatible with the variable's type constraint: a number is required."},
    {"variable \"a\" {\n type = list(string)\n}\njob \"x\" {\n}",
     "a = \"x\"",
     "input.hcl:1,5-8: Invalid value for variable; The value for a is not compatible with the variable's type constraint: list of string required."},
    {"variable \"a\" {\n type = list\n}\njob \"x\" {\n}",
     "a = [\"x\"]",
     "input.hcl:2,9-13: Invalid type specification; The list type constructor requires one argument specifying the element type.\n<nil>: Undefined variable; A \"a\" variable was set but was not found in known variables. To declare variable \"a\", place this block in your job files"},
    {"variable \"a\" {\n type = object({p=number})\n}\njob \"x\" {\n}",
     "a = { q = 1 }",
     "input.hcl:1,5-14: Invalid value for variable; The value for a is not compatible with the variable's type constraint: attribute \"p\" is required."},
    {"variable \"a\" {}\njob \"x\" {\n}",
     "a = ",
     "unable to parse var content: input.hcl:1,5-5: Missing expression; Expected the start of an expression, but found the end of the file."},
    {"variable \"a\" {}\njob \"x\" {\n}",
     "a = var.b",
     "input.hcl:1,5-8: Variables not allowed; Variables may not be used here."},
    {"variable \"a\" {\n bogus = 1\n}\njob \"x\" {\n}",
     "a = 1",
     "input.hcl:2,2-7: Unsupported argument; An argument named \"bogus\" is not expected here."},
    {"variable {}\njob \"x\" {\n}",
     "",
     "input.hcl:1,10-11: Missing name for variable; All variable blocks must have 1 labels (name)."},
    {"variable \"a-b c\" {}\njob \"x\" {\n}",
     "",
     "input.hcl:1,10-17: Invalid variable name; A name must start with a letter or underscore and may contain only letters, digits, underscores, and dashes.\n<nil>: Unset variable \"a-b c\"; A used variable must be set or have a default value; see https://developer.hashicorp.com/nomad/docs/job-specification/hcl2/variables for details."},
    {"variable \"a\" {\n default = local.x\n}\njob \"x\" {\n}",
     "",
     "input.hcl:2,12-17: Variables not allowed; Variables may not be used here."},
    {"locals {\n a = local.a\n}\njob \"x\" {\n name = local.a\n}",
     "",
     "input.hcl:2,11-13: Unsupported attribute; This object does not have an attribute named \"a\"."},
    {"locals \"x\" {}\njob \"x\" {\n}",
     "",
     "input.hcl:1,8-11: Extraneous label for locals; No labels are expected for locals blocks."},
    {"job \"x\" {\n name = 1 + \"a\"\n}",
     "",
     "input.hcl:2,13-16: Invalid operand; Unsuitable value for right operand: a number is required.\ninput.hcl:2,9-10: Unsuitable value type; Unsuitable value: value must be known"},
    {"job \"x\" {\n name = !\"x\"\n}",
     "",
     "input.hcl:2,10-13: Invalid operand; Unsuitable value for unary operand: a bool is required.\ninput.hcl:2,9-10: Unsuitable value type; Unsuitable value: value must be known"},
    {"job \"x\" {\n name = true ? 1 : [2]\n}",
     "",
     "input.hcl:2,16-23: Inconsistent conditional result types; The true and false result expressions must have consistent types. The 'true' value is number, but the 'false' value is tuple.\ninput.hcl:2,9-13: Unsuitable value type; Unsuitable value: value must be known"},
    {"job \"x\" {\n name = \"x\" ? 1 : 2\n}",
     "",
     "input.hcl:2,9-12: Incorrect condition type; The condition expression must be of type bool.\ninput.hcl:2,10-11: Unsuitable value type; Unsuitable value: value must be known"},
    {"job \"x\" {\n name = [\"a\"][3]\n}",
     "",
     "input.hcl:2,14-17: Invalid index; The given key does not identify an element in this collection value.\ninput.hcl:2,9-17: Unsuitable value type; Unsuitable value: value must be known"},
    {"job \"x\" {\n name = {a=1}.b\n}",
     "",
     "input.hcl:2,14-16: Unsupported attribute; This object does not have an attribute named \"b\".\ninput.hcl:2,9-16: Unsuitable value type; Unsuitable value: value must be known"},
    {"job \"x\" {\n name = {a=1}[\"b\"]\n}",
     "",
     "input.hcl:2,14-19: Invalid index; The given key does not identify an element in this collection value.\ninput.hcl:2,9-19: Unsuitable value type; Unsuitable value: value must be known"},
    {"job \"x\" {\n name = \"s\".b\n}",
     "",
     "input.hcl:2,12-14: Unsupported attribute; Can't access attributes on a primitive-typed value (string).\ninput.hcl:2,9-14: Unsuitable value type; Unsuitable value: value must be known"},
    {"job \"x\" {\n name = null.b\n}",
     "",
     "input.hcl:2,13-15: Attempt to get attribute from null value; This value is null, so it does not have any attributes.\ninput.hcl:2,9-15: Unsuitable value type; Unsuitable value: value must be known"},
    {"job \"x\" {\n name = [1,2]\n}",
     "",
     "input.hcl:2,9-10: Unsuitable value type; Unsuitable value: string required"},
    {"job \"x\" {\n name = {a=1}\n}",
     "",
     "input.hcl:2,9-10: Unsuitable value type; Unsuitable value: string required"},
    {"job \"x\" {\n name = \"a${[1]}\"\n}",
     "",
     "input.hcl:2,13-16: Invalid template interpolation value; Cannot include the given value in a string template: string required."},
    {"job \"x\" {\n name = \"a${null}\"\n}",
     "",
     "input.hcl:2,13-17: Invalid template interpolation value; The expression result is null. Cannot include a null value in a string template."},
    {"job \"x\" {\n datacenters = [for x in 5 : x]\n}",
     "",
     "input.hcl:2,26-27: Iteration over non-iterable value; A value of type number cannot be used as the collection in a 'for' expression.\ninput.hcl:2,16-17: Unsuitable value type; Unsuitable value: value must be known"},
    {"job \"x\" {\n datacenters = {for x in [\"a\",\"a\"] : x => x}\n}",
     "",
     "input.hcl:2,38-39: Duplicate object key; Two different items produced the key \"a\" in this 'for' expression. If duplicates are expected, use the ellipsis (...) after the value expression to enable grouping by key.\ninput.hcl:2,16-17: Unsuitable value type; Unsuitable value: list of string required"},
    {"job \"x\" {\n meta = {for x in [\"a\",\"a\"] : x => x}\n}",
     "",
     "input.hcl:2,31-32: Duplicate object key; Two different items produced the key \"a\" in this 'for' expression. If duplicates are expected, use the ellipsis (...) after the value expression to enable grouping by key."},
    {"job \"x\" {\n dynamic \"constraint\" {\n content {}\n }\n}",
     "",
     "input.hcl:2,23-23: Missing required argument; The argument \"for_each\" is required, but no definition was found."},
    {"job \"x\" {\n dynamic \"constraint\" {\n for_each = 5\n content {}\n }\n}",
     "",
     "input.hcl:3,13-14: Invalid dynamic for_each value; Cannot use a number value in for_each. An iterable collection is required."},
    {"job \"x\" {\n dynamic \"constraint\" {\n for_each = [1]\n }\n}",
     "",
     "input.hcl:2,23-23: Missing dynamic content block; A dynamic block must have a nested block of type \"content\" to describe the body of each generated block."},
    {"job \"x\" {\n dynamic \"nosuch\" {\n for_each = [1]\n content {}\n }\n}",
     "",
     "input.hcl:2,10-18: Unsupported block type; Blocks of type \"nosuch\" are not expected here."},
    {"job \"x\" {\n dynamic \"group\" {\n for_each = [1]\n content {}\n }\n}",
     "",
     "input.hcl:2,18-18: Missing required argument; The argument \"labels\" is required, but no definition was found."},
    {"job \"x\" {\n name = \"${attr.x + 1}\"\n}",
     "",
     "input.hcl:2,12-18: Invalid operand; Unsuitable value for left operand: a number is required.\ninput.hcl:2,9-24: Unsuitable value type; Unsuitable value: value must be known"},
    {"job \"x\" {\n group \"g\" {\n count = attr.x\n }\n}",
     "",
     "input.hcl:3,10-16: Unsuitable value type; Unsuitable value: a number is required"},
    {"job \"${var.a}\" {\n}",
     "",
     "input.hcl:1,6-8: Invalid string literal; Template sequences are not allowed in this string. To include a literal \"$\", double it (as \"$$\") to escape it."},
    {"variable \"a\" {\n  type = any\n  default = { q = [1,2] }\n}\n\njob \"m\" {\n  meta {\nv = var.a.q[0]\n  }\n  group \"g\" {\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n    }\n  }\n}\n",
     "",
     "input.hcl:2,10-13: Invalid type specification; The keyword \"any\" cannot be used in this type specification: an exact type is required."},
    {"variable \"a\" {\n  type = any\n}\n\njob \"m\" {\n  meta {\nv = jsonencode(var.a)\n  }\n  group \"g\" {\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n    }\n  }\n}\n",
     "a = [1, \"x\", null]",
     "input.hcl:2,10-13: Invalid type specification; The keyword \"any\" cannot be used in this type specification: an exact type is required.\n<nil>: Undefined variable; A \"a\" variable was set but was not found in known variables. To declare variable \"a\", place this block in your job files"},
    {"variable \"a\" {\n  type = string\n  description = \"some text\"\n  default = \"d\"\n}\n\njob \"m\" {\n  meta {\nv = var.a\n  }\n  group \"g\" {\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n    }\n  }\n}\n",
     "a = null",
     "input.hcl:9,5-10: Unsuitable value type; Unsuitable value: null value is not allowed"},
    {"variable \"unused\" {\n  type = string\n}\n\njob \"m\" {\n  meta {\nv = \"fine\"\n  }\n  group \"g\" {\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n    }\n  }\n}\n",
     "",
     "<nil>: Unset variable \"unused\"; A used variable must be set or have a default value; see https://developer.hashicorp.com/nomad/docs/job-specification/hcl2/variables for details."},
    {"variable \"a\" {\n  type = number\n  default = 5\n  validation {\n    condition = var.a > 3\n    error_message = \"Must be more than three.\"\n  }\n}\n\njob \"m\" {\n  meta {\nv = var.a\n  }\n  group \"g\" {\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n    }\n  }\n}\n",
     "a = 2",
     "input.hcl:1,5-6: Invalid value for varfile variable; Must be more than three.\n\nThis was checked by the validation rule at input.hcl:4,3-13."},
    {"job \"old\" {\n datacenters = [\"dc1\"]\n meta = { a = \"b\" }\n group \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n config = { command = \"/bin/date\" }\n env = { \"A\" = \"b\" }\n resources = { cpu = 100 }\n }\n }\n}",
     "",
     "input.hcl:7,2-8: Unsupported argument; An argument named \"config\" is not expected here. Did you mean to define a block of type \"config\"?\ninput.hcl:9,2-11: Unsupported argument; An argument named \"resources\" is not expected here. Did you mean to define a block of type \"resources\"?"},
    {"job \"old\" {\n group \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n env { \"A.B-c\" = \"x\" }\n resources {\n network {\n mbits = \"10\"\n port \"http\" { static = \"80\" }\n }\n }\n }\n }\n}",
     "",
     "input.hcl:5,8-9: Argument or block definition required; An argument or block definition is required here."},
    {"job \"old\" {\n group \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n env { A.B = \"x\" }\n }\n }\n}",
     "",
     "input.hcl:5,8-9: Argument or block definition required; An argument or block definition is required here. To set an argument, use the equals sign \"=\" to introduce the argument value."},
    {"job \"old\" {\n group \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n meta { a = \"1\" }\n meta { b = \"2\" }\n }\n }\n}",
     "",
     "input.hcl:6,2-6: Duplicate meta block; Only one meta block is allowed. Another was defined at input.hcl:5,2-6."},
    {"job \"old\" {\n group \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n env { X = \"1\" }\n env { X = \"2\" }\n }\n }\n}",
     "",
     "input.hcl:6,2-5: Duplicate env block; Only one env block is allowed. Another was defined at input.hcl:5,2-5."},
    {"job \"old\" {\n group \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n config { args = [\"a\" \"b\"] }\n }\n }\n}",
     "",
     "input.hcl:5,23-24: Missing item separator; Expected a comma to mark the beginning of the next item."},
    {"\"job\" \"old\" {\n group \"g\" { }\n}",
     "",
     "input.hcl:1,1-2: Invalid argument name; Argument names must not be quoted."},
    {"{\"Job\":{\"ID\":\"x\"}}",
     "",
     "input.hcl:1,2-7: Extraneous JSON object property; No argument or block type is named \"Job\". Did you mean \"job\"?"},
    {"job \"h1\" {\n group \"g\" { task \"t\" { driver = \"raw_exec\" } }\n}",
     "",
     "input.hcl:2,14-20: Argument definition required; A single-line block definition can contain only a single argument. If you meant to define argument \"task\", use an equals sign to assign it a value. To define a nested block, place it on a line of its own within its parent block."},
    {"job \"h1\" {\n datacenters = [\"dc1\"]\n group \"g\" {\n task \"t\" {\n driver = \"raw_exec\"\n } }\n}",
     "",
     "input.hcl:6,4-5: Missing newline after block definition; A block definition must end with a newline."},
    {"job \"p\" {\n\n  group \"g\" {\n\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\nkill_timeout = \"10\"\n    }\n  }\n}\n",
     "",
     "input.hcl:8,17-19: Unsuitable value type; Unsuitable duration value: time: missing unit in duration \"10\""},
    {"job \"p\" {\n\n  group \"g\" {\n\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\nkill_timeout = \"1d\"\n    }\n  }\n}\n",
     "",
     "input.hcl:8,17-19: Unsuitable value type; Unsuitable duration value: time: unknown unit \"d\" in duration \"1d\""},
    {"job \"p\" {\n\n  group \"g\" {\n\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\nkill_timeout = \"10 s\"\n    }\n  }\n}\n",
     "",
     "input.hcl:8,17-21: Unsuitable value type; Unsuitable duration value: time: unknown unit \" s\" in duration \"10 s\""},
    {"job \"p\" {\n\n  group \"g\" {\n\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\nkill_timeout = \"\"\n    }\n  }\n}\n",
     "",
     "input.hcl:8,18-18: Unsuitable value type; Unsuitable duration value: time: invalid duration \"\""},
    {"job \"p\" {\n\n  group \"g\" {\n\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\nkill_timeout = \"abc\"\n    }\n  }\n}\n",
     "",
     "input.hcl:8,17-20: Unsuitable value type; Unsuitable duration value: time: invalid duration \"abc\""},
    {"job \"p\" {\n\n  group \"g\" {\n\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\nkill_timeout = true\n    }\n  }\n}\n",
     "",
     "input.hcl:8,16-20: Unsuitable value type; Unsuitable value: expected a string but found {{{} %!s(cty.primitiveTypeKind=66)}}"},
    {"job \"p\" {\n\n  group \"g\" {\n\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\nkill_timeout = [1]\n    }\n  }\n}\n",
     "",
     "input.hcl:8,16-17: Unsuitable value type; Unsuitable value: expected a string but found {{{} [{{{} %!s(cty.primitiveTypeKind=78)}}]}}"},
    {"job \"p\" {\n\n  group \"g\" {\n\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\nkill_timeout = null\n    }\n  }\n}\n",
     "",
     "input.hcl:8,16-20: Unsuitable value; Unsuitable duration value: nil"},
    {"job \"p\" {\n\n  group \"g\" {\n\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\nkill_timeout = 1.5\n    }\n  }\n}\n",
     "",
     "input.hcl:8,16-19: Unsuitable value type; Unsuitable value: value must be a whole number, between -9223372036854775808 and 9223372036854775807"},
    {"job \"p\" {\n\n  group \"g\" {\ncount = 3.7\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n\n    }\n  }\n}\n",
     "",
     "input.hcl:4,9-12: Unsuitable value type; Unsuitable value: value must be a whole number, between -9223372036854775808 and 9223372036854775807"},
    {"job \"p\" {\n\n  group \"g\" {\ncount = \"x\"\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n\n    }\n  }\n}\n",
     "",
     "input.hcl:4,10-11: Unsuitable value type; Unsuitable value: a number is required"},
    {"job \"p\" {\n\n  group \"g\" {\ncount = true\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n\n    }\n  }\n}\n",
     "",
     "input.hcl:4,9-13: Unsuitable value type; Unsuitable value: number required"},
    {"job \"p\" {\n\n  group \"g\" {\ncount = 99999999999999999999\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n\n    }\n  }\n}\n",
     "",
     "input.hcl:4,9-29: Unsuitable value type; Unsuitable value: value must be a whole number, between -9223372036854775808 and 9223372036854775807"},
    {"job \"p\" {\nall_at_once = 1\n  group \"g\" {\n\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n\n    }\n  }\n}\n",
     "",
     "input.hcl:2,15-16: Unsuitable value type; Unsuitable value: bool required"},
    {"job \"p\" {\nall_at_once = \"yes\"\n  group \"g\" {\n\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n\n    }\n  }\n}\n",
     "",
     "input.hcl:2,16-19: Unsuitable value type; Unsuitable value: a bool is required"},
    {"job \"p\" {\ndatacenters = \"dc1\"\n  group \"g\" {\n\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n\n    }\n  }\n}\n",
     "",
     "input.hcl:2,16-19: Unsuitable value type; Unsuitable value: list of string required"},
    {"job \"p\" {\ndatacenters = [[\"a\"]]\n  group \"g\" {\n\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n\n    }\n  }\n}\n",
     "",
     "input.hcl:2,15-16: Unsuitable value type; Unsuitable value: element 0: string required"},
    {"job \"p\" {\ndatacenters = {a=\"b\"}\n  group \"g\" {\n\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n\n    }\n  }\n}\n",
     "",
     "input.hcl:2,15-16: Unsuitable value type; Unsuitable value: list of string required"},
    {"job \"p\" {\npriority = 50.5\n  group \"g\" {\n\n    task \"t\" {\n      driver = \"raw_exec\"\n      config { command = \"/bin/true\" }\n\n    }\n  }\n}\n",
     "",
     "input.hcl:2,12-16: Unsuitable value type; Unsuitable value: value must be a whole number, between -9223372036854775808 and 9223372036854775807"},
    /* clang-format on */
};

TEST(mistakes_in_job_files_are_said_as_users_know_them)
{
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct jobspec_opts opts = {.vars = str_of(errors[i].vars)};
        struct job *j;

        T_ROW(errors[i].text);
        T_STR_EQ(parse(errors[i].text, &opts, a, &j), errors[i].want);
    }
}

/* One member of the job's JSON ("" the whole of it). */
static const char *member(const struct job *j, const char *path, struct arena *a)
{
    auto_buf struct buf b = BUF_INIT(1 << 20), part = BUF_INIT(1 << 20);
    struct json_out w;
    struct json *v;

    json_out_init(&w, &b, NULL);
    schema_encode(&job_schema, j, 0, &w);
    T_INT_EQ(json_parse(buf_str(&b), NULL, JSON_COPY, a, &v, NULL), 0);
    json_print(&part, json_path(v, path), NULL);
    return arena_cstr(a, buf_str(&part));
}

TEST(what_a_file_writes_shorter_is_folded_into_what_the_api_has)
{
    static const struct {
        const char *text, *path, *want;
    } rows[] = {
        {"job \"a\" {\n}", "ID", "\"a\""},
        {"job \"a\" {\n}", "Name", "\"a\""},
        {"job \"a\" {\n name = \"b\"\n}", "Name", "\"b\""},
        {"job \"a\" {\n id = \"b\"\n}", "ID", "\"b\""},
        {"job \"a\" {\n constraint {\n attribute = attr.x\n value = 5\n }\n}", "Constraints",
         "[{\"LTarget\":\"${attr.x}\",\"RTarget\":\"5\",\"Operand\":\"=\"}]"},
        {"job \"a\" {\n constraint {\n attribute = \"${v}\"\n version = \">= 1\"\n operator = "
         "\"=\"\n }\n}",
         "Constraints.0.Operand", "\"version\""},
        {"job \"a\" {\n constraint {\n distinct_hosts = false\n }\n}", "Constraints.0",
         "{\"LTarget\":\"\",\"RTarget\":\"false\",\"Operand\":\"distinct_hosts\"}"},
        {"job \"a\" {\n constraint {\n distinct_property = \"${meta.r}\"\n value = 3\n }\n}",
         "Constraints.0",
         "{\"LTarget\":\"${meta.r}\",\"RTarget\":\"3\",\"Operand\":\"distinct_property\"}"},
        {"job \"a\" {\n constraint {\n attribute = \"${x}\"\n is_set = true\n }\n}",
         "Constraints.0.Operand", "\"is_set\""},
        {"job \"a\" {\n constraint {\n attribute = \"${x}\"\n set_contains_any = \"a,b\"\n "
         "}\n}",
         "Constraints.0",
         "{\"LTarget\":\"${x}\",\"RTarget\":\"a,b\",\"Operand\":\"set_contains_any\"}"},
        {"job \"a\" {\n affinity {\n attribute = \"${x}\"\n regexp = \"^a\"\n }\n}",
         "Affinities.0.Operand", "\"regexp\""},
        {"job \"a\" {\n task \"t\" {\n driver = \"raw_exec\"\n }\n}", "TaskGroups.0.Name",
         "\"t\""},
        {"job \"a\" {\n task \"t\" {\n driver = \"raw_exec\"\n }\n}",
         "TaskGroups.0.Tasks.0.Name", "\"t\""},
        {"job \"a\" {\n vault {\n policies = [\"p\"]\n }\n group \"g\" {\n task \"t\" {\n }\n "
         "}\n}",
         "TaskGroups.0.Tasks.0.Vault.Policies", "[\"p\"]"},
        {"job \"a\" {\n vault {\n policies = [\"p\"]\n }\n group \"g\" {\n vault {\n policies "
         "= "
         "[\"q\"]\n }\n task \"t\" {\n }\n task \"u\" {\n vault {\n role = \"r\"\n }\n }\n "
         "}\n}",
         "TaskGroups.0.Tasks.0.Vault.Policies", "[\"q\"]"},
        {"job \"a\" {\n vault {\n policies = [\"p\"]\n }\n group \"g\" {\n task \"u\" {\n "
         "vault "
         "{\n role = \"r\"\n }\n }\n }\n}",
         "TaskGroups.0.Tasks.0.Vault.Policies", "null"},
        {"job \"a\" {\n group \"g\" {\n network {\n port \"x\" {\n static = 80\n }\n port "
         "\"y\" "
         "{}\n }\n }\n}",
         "TaskGroups.0.Networks.0.ReservedPorts.0.Label", "\"x\""},
        {"job \"a\" {\n group \"g\" {\n network {\n port \"x\" {\n static = 80\n }\n port "
         "\"y\" "
         "{}\n }\n }\n}",
         "TaskGroups.0.Networks.0.DynamicPorts.0.Label", "\"y\""},
        {"job \"a\" {\n group \"g\" {\n task \"t\" {\n identity {\n env = true\n }\n identity "
         "{\n "
         "name = \"n\"\n }\n }\n }\n}",
         "TaskGroups.0.Tasks.0.Identity.Env", "true"},
        {"job \"a\" {\n group \"g\" {\n task \"t\" {\n identity {\n env = true\n }\n identity "
         "{\n "
         "name = \"n\"\n }\n }\n }\n}",
         "TaskGroups.0.Tasks.0.Identities.0.Name", "\"n\""},
        {"job \"a\" {\n group \"g\" {\n task \"t\" {\n scaling \"mem\" {\n max = 2\n }\n }\n "
         "}\n}",
         "TaskGroups.0.Tasks.0.ScalingPolicies.0.Type", "\"vertical_mem\""},
        {"job \"a\" {\n group \"g\" {\n scaling {\n max = 2\n }\n }\n}",
         "TaskGroups.0.Scaling.Type", "\"horizontal\""},
        {"job \"a\" {\n group \"g\" {\n task \"t\" {\n config {\n x = { y = 1 }\n z = [{ y = 1 "
         "}]\n "
         "}\n }\n }\n}",
         "TaskGroups.0.Tasks.0.Config", "{\"x\":[{\"y\":1}],\"z\":[{\"y\":1}]}"},
        {"job \"a\" {\n group \"g\" {\n task \"t\" {\n lifecycle {}\n }\n }\n}",
         "TaskGroups.0.Tasks.0.Lifecycle", "null"},
        {"job \"a\" {\n datacenters = []\n}", "Datacenters", "[]"},
        {"job \"a\" {\n}", "Datacenters", "null"},
        {"job \"a\" {\n task \"t\" {\n env {}\n config {}\n }\n}", "TaskGroups.0.Tasks.0.Env",
         "{}"},
        {"job \"a\" {\n task \"t\" {\n env {}\n config {}\n }\n}",
         "TaskGroups.0.Tasks.0.Config", "{}"},
        {"job \"a\" {\n task \"t\" {\n identity {\n env = true\n }\n }\n}",
         "TaskGroups.0.Tasks.0.Identities", "[]"},
        {"job \"a\" {\n task \"t\" {\n }\n}", "TaskGroups.0.Tasks.0.Identities", "null"},
        {"job \"a\" {\n task \"t\" {\n config {\n z = 1\n b = [{ y = 1, x = 2 }]\n }\n }\n}",
         "TaskGroups.0.Tasks.0.Config", "{\"b\":[{\"x\":2,\"y\":1}],\"z\":1}"},
        {"job \"a\" {\n task \"t\" {\n csi_plugin {\n id = \"p\"\n health_timeout = \"9s\"\n "
         "}\n }\n}",
         "TaskGroups.0.Tasks.0.CSIPluginConfig.HealthTimeout", "9000000000"},
        {"job \"a\" {\n group \"g\" {\n service {\n connect {\n gateway {\n ingress {\n "
         "listener {\n "
         "port = 80\n service {\n name = \"x\"\n }\n }\n }\n }\n }\n }\n }\n}",
         "TaskGroups.0.Services.0.Connect.Gateway.Ingress.Listeners.0.Services.0.Name",
         "\"x\""},
        {"{\"job\":{\"js\":{\"group\":{\"g\":{\"count\":2,\"task\":{\"t\":{\"driver\":\"x\"}}}}"
         "}}}",
         "TaskGroups.0.Tasks.0.Driver", "\"x\""},
        {"locals {\n b = \"${local.a}${local.a}\"\n}\nlocals {\n a = \"l\"\n}\njob \"a\" {\n "
         "name "
         "= local.b\n}",
         "Name", "\"ll\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        struct job *j;

        T_ROW(rows[i].text);
        T_STR_EQ(parse(rows[i].text, NULL, a, &j), "");
        T_STR_EQ(member(j, rows[i].path, a), rows[i].want);
    }
}

/* `type` and what is given; the value of var.a as text, or the error. */
static const char *with_values(const char *body, const struct jobspec_opts *opts,
                               struct arena *a)
{
    const char *text = arena_printf(
        a, "variable \"a\" {\n %s\n}\njob \"j\" {\n meta = { v = var.a }\n}\n", body);
    struct job *j;
    const char *err = parse(text, opts, a, &j);

    return *err ? err : strmap_get(&j->meta, "v");
}

TEST(values_of_variables_come_from_the_last_source_that_has_one)
{
    static const char *const env[] = {"HOME=/", "NOMAD_VAR_a=from env", "NOMAD_VAR_b=1", NULL};
    static const struct jobspec_file files[] = {
        {"one.hcl", {"a = \"file 1\"\n", 13}},
        {"two.hcl", {"a = \"file 2\"\n", 13}},
    };
    static const struct strpair flags[] = {{"a", "flag 1"}, {"a", "flag 2"}};
    const struct {
        const char *want;
        struct jobspec_opts opts;
    } rows[] = {
        {"dflt", {.env = NULL}},
        {"from env", {.env = env}},
        {"file 1", {.env = env, .var_files = files, .n_var_files = 1}},
        {"file 2", {.env = env, .var_files = files, .n_var_files = 2}},
        {"flag 1",
         {.var_files = files, .n_var_files = 2, .var_flags = flags, .n_var_flags = 1}},
        {"flag 2", {.env = env, .var_flags = flags, .n_var_flags = 2}},
        {"api", {.vars = STR("a = \"api\"")}},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].want);
        T_STR_EQ(with_values("default = \"dflt\"", &rows[i].opts, a), rows[i].want);
    }
}

TEST(flags_and_files_that_do_not_fit_are_refused)
{
    static const struct {
        const char *body, *flag, *value, *want;
    } rows[] = {
        {"type = number", "a", "5", "5"},
        {"type = number", "a", "x",
         ":0,0-0: Invalid argument value for -var variable; The received arg value for a is "
         "not "
         "compatible with the variable's type constraint: a number is required."},
        {"type = bool", "a", "true", "true"},
        {"", "a", "[1]", "[1]"},
        {"default = 1", "bogus", "1",
         "<nil>: Undefined -var variable; A \"bogus\" variable was passed in the command line "
         "but was not found in known variables. To declare variable \"bogus\", place this "
         "block "
         "in your job file"},
        {"type = list(string)", "a", "nope", "is not compatible with the variable's type"},
    };
    static const struct jobspec_file unknown = {"f.hcl", {"zz = 1\n", 7}},
                                     broken = {"f.hcl", {"a = \n", 5}};
    auto_arena struct arena *a = arena_new(0);
    struct jobspec_opts opts = {.var_files = &unknown, .n_var_files = 1};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct strpair flag = {rows[i].flag, rows[i].value};

        T_ROW(rows[i].value);
        T_STR_HAS(with_values(rows[i].body,
                              &(struct jobspec_opts){.var_flags = &flag, .n_var_flags = 1}, a),
                  rows[i].want);
    }
    T_ROW("files");
    T_STR_HAS(with_values("default = 1", &opts, a), "Undefined variable; A \"zz\" variable");
    opts.lenient = true;
    T_STR_EQ(with_values("default = 1", &opts, a), "1");
    opts.var_files = &broken;
    T_STR_HAS(with_values("default = 1", &opts, a),
              "unable to parse var file: f.hcl:1,5-2,1: Invalid expression");
}

TEST(types_of_variables_convert_or_say_what_they_require)
{
    static const struct {
        const char *body, *want;
    } rows[] = {
        {"type = string\n default = 5", "5"},
        {"type = number\n default = \"5.50\"", "5.5"},
        {"type = bool\n default = 1", "a bool is required."},
        {"type = list(number)\n default = [\"x\"]", "element 0: a number is required."},
        {"type = set(string)\n default = {}", "set of string required."},
        {"type = map(list(bool))\n default = []", "map of list of bool required."},
        {"type = object({p = number})\n default = {p = \"x\"}",
         "attribute \"p\": a number is required."},
        {"type = tuple([string])\n default = []", "tuple required."},
        {"type = tuple(string)", "Tuple type constructor requires a list of element types."},
        {"type = object(string)", "Object type constructor requires a map"},
        {"type = list(string, string)", "The list type constructor requires one argument"},
        {"type = bag(string)", "Keyword \"bag\" is not a valid type constructor."},
        {"type = list(any)", "The keyword \"any\" cannot be used"},
        {"type = "
         "list(list(list(list(list(list(list(list(list(list(list(list(list(list(list(list("
         "list(list(string))))))))))))))))))",
         "The type is nested too deeply."},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(rows[i].body);
        T_STR_HAS(with_values(rows[i].body, NULL, a), rows[i].want);
    }
}

TEST(the_numbers_of_variables_and_locals_are_bounded)
{
    static const struct {
        const char *label, *first, *last, *want;
    } rows[] = {
        {"variables", "variables {\n", "}\n", "At most 1000 variables"},
        {"locals", "locals {\n", "}\n", "At most 1000 local values"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        auto_arena struct arena *a = arena_new(0);
        auto_buf struct buf b = BUF_INIT(1 << 20);
        struct job *j;

        T_ROW(rows[i].label);
        buf_puts(&b, rows[i].first);
        for (int k = 0; k < 1001; k++)
            buf_printf(&b, "v%d = 1\n", k);
        buf_puts(&b, rows[i].last);
        buf_puts(&b, "job \"a\" {\n}\n");
        T_STR_HAS(parse(arena_cstr(a, buf_str(&b)), NULL, a, &j), rows[i].want);
    }
}
