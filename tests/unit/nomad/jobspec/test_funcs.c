#include "base/err.h"
#include "nomad/jobspec/jobspec.h"
#include "t.h"

/* The value of an expression in a job file as the API tells it, or what is wrong. */
static const char *evaluate(const char *expr, bool files, struct arena *a)
{
    struct jobspec_opts opts = {.files = files};
    struct hcl_diags d = {.arena = a};
    struct job *j = NULL;
    const char *text =
        arena_printf(a,
                     "\njob \"m\" {\n  meta {\nm00 = %s\n  }\n  group \"g\" {\n"
                     "    task \"t\" {\n      driver = \"raw_exec\"\n    }\n  }\n}\n",
                     expr);

    if (jobspec_parse(str_of(text), "input.hcl", &opts, a, &j, &d) < 0)
        return hcl_diags_text(a, &d);
    return strmap_get(&j->meta, "m00");
}

static const struct {
    const char *expr, *want;
} values[] = {
    /* clang-format off */
    /* of the API's recordings */
    {"abs(-4.5)", "4.5"},
    {"ceil(1.2)", "2"},
    {"floor(1.9)", "1"},
    {"log(8, 2)", "3"},
    {"max(1,5,3)", "5"},
    {"min(4,2)", "2"},
    {"pow(2,10)", "1024"},
    {"signum(-3)", "-1"},
    {"parseint(\"ff\", 16)", "255"},
    {"parseint(\"777\", 8)", "511"},
    {"max([1,2]...)", "2"},
    {"upper(\"abc é\")", "ABC É"},
    {"lower(\"ABC\")", "abc"},
    {"title(\"hello big world\")", "Hello Big World"},
    {"reverse(\"abc\")", "cba"},
    {"strrev(\"abc\")", "cba"},
    {"strlen(\"日本\")", "2"},
    {"substr(\"hello\", 1, 3)", "ell"},
    {"substr(\"hello\", -3, -1)", "llo"},
    {"trim(\"xxaxx\", \"x\")", "a"},
    {"trimspace(\"  a \\n\")", "a"},
    {"trimprefix(\"foobar\",\"foo\")", "bar"},
    {"trimsuffix(\"foobar\",\"bar\")", "foo"},
    {"chomp(\"a\\n\\n\")", "a"},
    {"indent(2, \"a\\nb\")", "a\n  b"},
    {"replace(\"a.b.c\", \".\", \"-\")", "a-b-c"},
    {"regex_replace(\"a1b22\", \"[0-9]+\", \"#\")", "a#b#"},
    {"join(\"-\", [\"a\",\"b\"])", "a-b"},
    {"jsonencode(split(\",\", \"a,b,,c\"))", "[\"a\",\"b\",\"\",\"c\"]"},
    {"format(\"%s-%03d-%.2f-%t-%q-%v-%x\", \"s\", 7, 3.14159, true, \"q\", [1], 255)", "s-007-3.14-true-\"q\"-[1]-ff"},
    {"jsonencode(formatlist(\"%s!\", [\"a\",\"b\"]))", "[\"a!\",\"b!\"]"},
    {"jsonencode(concat([1],[2,3]))", "[1,2,3]"},
    {"jsonencode(distinct([\"a\",\"b\",\"a\"]))", "[\"a\",\"b\"]"},
    {"element([\"a\",\"b\",\"c\"], 4)", "b"},
    {"jsonencode(flatten([[1,[2]],[3]]))", "[1,2,3]"},
    {"index([\"a\",\"b\"], 1)", "b"},
    {"jsonencode(keys({b=1,a=2}))", "[\"a\",\"b\"]"},
    {"jsonencode(values({b=1,a=2}))", "[2,1]"},
    {"length([1,2,3])", "3"},
    {"lookup({a=\"x\"}, \"a\", \"y\")", "x"},
    {"lookup({a=\"x\"}, \"b\", \"y\")", "y"},
    {"jsonencode(merge({a=1},{b=2},{a=3}))", "{\"a\":3,\"b\":2}"},
    {"jsonencode(range(3))", "[0,1,2]"},
    {"jsonencode(range(1,10,3))", "[1,4,7]"},
    {"jsonencode(slice([\"a\",\"b\",\"c\",\"d\"],1,3))", "[\"b\",\"c\"]"},
    {"jsonencode(sort([\"b\",\"a\"]))", "[\"a\",\"b\"]"},
    {"jsonencode(zipmap([\"a\",\"b\"],[1,2]))", "{\"a\":1,\"b\":2}"},
    {"jsonencode(compact([\"a\",\"\",\"b\"]))", "[\"a\",\"b\"]"},
    {"jsonencode(chunklist([1,2,3],2))", "[[1,2],[3]]"},
    {"contains([\"a\"], \"a\")", "true"},
    {"coalesce(\"\", \"b\")", ""},
    {"jsonencode(coalescelist([],[\"x\"]))", "[\"x\"]"},
    {"jsonencode(setunion([\"a\"],[\"b\",\"a\"]))", "[\"a\",\"b\"]"},
    {"jsonencode(setintersection([\"a\",\"b\"],[\"b\"]))", "[\"b\"]"},
    {"jsonencode(setproduct([\"a\",\"b\"],[1,2]))", "[[\"a\",1],[\"a\",2],[\"b\",1],[\"b\",2]]"},
    {"can(tonumberx)", "true"},
    {"try(local.nope, \"dflt\")", "dflt"},
    {"can(jsondecode(\"{\"))", "false"},
    {"try(jsondecode(\"{\"), \"bad\")", "bad"},
    {"convert(\"5\", number) + 1", "6"},
    {"jsonencode(convert([\"1\"], list(number)))", "[1]"},
    {"base64encode(\"hi é\")", "aGkgw6k="},
    {"base64decode(\"aGk=\")", "hi"},
    {"urlencode(\"a b&c=d/é\")", "a+b%26c%3Dd%2F%C3%A9"},
    {"jsonencode({a=[1,true,null,\"<x>\"]})", "{\"a\":[1,true,null,\"\\u003cx\\u003e\"]}"},
    {"jsondecode(\"{\\\"a\\\":[1,2]}\").a[1]", "2"},
    {"csvdecode(\"a,b\\n1,2\\n3,4\")[1].b", "4"},
    {"md5(\"x\")", "9dd4e461268c8034f5c8564e155c67a6"},
    {"sha1(\"x\")", "11f6ad8ec52a2984abaafd7c3b516503785c2072"},
    {"sha256(\"x\")", "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"},
    {"sha512(\"x\")", "a4abd4448c49562d828115d13a1fccea927f52b4d5459297f8b43e42da89238bc13626e43dcb38ddb082488927ec904fb42057443983e88585179d50551afe62"},
    {"uuidv5(\"dns\",\"example.com\")", "cfbff0d1-9375-5685-968c-48ce8b15ae17"},
    {"uuidv5(\"url\",\"https://example.com/\")", "dd2c1780-811a-5296-81c5-178a0ef488bc"},
    {"uuidv5(\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\",\"x\")", "05b16a01-46c6-56dd-bd6e-c6dfb4a1427a"},
    {"formatdate(\"YYYY-MM-DD hh:mm:ss\", \"2024-02-29T13:04:05Z\")", "2024-02-29 13:04:05"},
    {"formatdate(\"EEEE, DD MMMM YYYY HH:mm AA ZZZZ\", \"2024-02-29T13:04:05+02:00\")", "Thursday, 29 February 2024 01:04 PM +0200"},
    {"timeadd(\"2024-01-01T00:00:00Z\", \"36h30m\")", "2024-01-02T12:30:00Z"},
    {"cidrhost(\"10.1.0.0/16\", 5)", "10.1.0.5"},
    {"cidrhost(\"10.1.0.0/16\", -2)", "10.1.255.254"},
    {"cidrnetmask(\"10.1.0.0/20\")", "255.255.240.0"},
    {"cidrsubnet(\"10.0.0.0/8\", 8, 3)", "10.3.0.0/16"},
    {"jsonencode(cidrsubnets(\"10.0.0.0/16\", 4, 4, 8))", "[\"10.0.0.0/20\",\"10.0.16.0/20\",\"10.0.32.0/24\"]"},
    {"cidrsubnet(\"fd00::/48\", 16, 1)", "fd00:0:0:1::/64"},
    {"length(convert({a=1}, map(number)))", "1"},
    {"strlen(uuidv4())", "36"},
    {"split(\"\", \"abc\")[1]", "b"},
    {"replace(\"abc\", \"/b/\", \"x\")", "abc"},
    {"trimspace(5)", "5"},
    {"log(0, 10)", "-Inf"},
    {"yamlencode({a=[1,\"x\"],b={c=true}})", "\"a\":\n- 1\n- \"x\"\n\"b\":\n  \"c\": true\n"},
    {"yamldecode(\"a: [1, 2]\\nb: x\").b", "x"},
    /* at the edges */
    {"ceil(-1.2)", "-1"},
    {"floor(-1.2)", "-2"},
    {"ceil(2)", "2"},
    {"abs(\"-3\")", "3"},
    {"pow(2, 0.5)", "1.4142135623730951"},
    {"log(10, 10)", "1"},
    {"max(\"10\", 9)", "10"},
    {"parseint(\"-zZ\", 62)", "-2231"},
    {"parseint(\"ffffffffffffffffffff\", 16)", "1208925819614629174706175"},
    {"pow(10, 20)", "100000000000000000000"},
    {"upper(\"straße ñ\")", "STRAßE Ñ"},
    {"title(\"o'neil a_b\")", "O'Neil A_b"},
    {"strlen(\"é\")", "1"},
    {"reverse(\"aéb\")", "béa"},
    {"substr(\"hello\", -3, 2)", "ll"},
    {"substr(\"hello\", 9, 2)", ""},
    {"substr(\"hello\", 1, 0)", ""},
    {"trim(\"xyaxy\", \"yx\")", "a"},
    {"chomp(\"a\\r\\n\")", "a"},
    {"replace(\"ab\", \"\", \"-\")", "-a-b-"},
    {"indent(0, \"a\\nb\")", "a\nb"},
    {"regex_replace(\"hello world\", \"(\\\\w+) (\\\\w+)\", \"$2 $${1}!\")", "world hello!"},
    {"regex_replace(\"aaa\", \"a*?\", \"-\")", "-a-a-a-"},
    {"regex_replace(\"abc\", \"\", \"-\")", "-a-b-c-"},
    {"regex_replace(\"aXbX\", \"(?i)x\", \"$$\")", "a$b$"},
    {"regex_replace(\"foobar\", \"o|oo\", \"_\")", "f__bar"},
    {"regex_replace(\"xabcx\", \"a(b)?(d)?c\", \"[$1|$2]\")", "x[b|]x"},
    {"join(\"-\", [\"a\"], [\"b\", 1])", "a-b-1"},
    {"jsonencode(split(\",\", \"\"))", "[\"\"]"},
    {"jsonencode(split(\"\", \"\"))", "[]"},
    {"jsonencode(sort([\"b\", 10, \"B\"]))", "[\"10\",\"B\",\"b\"]"},
    {"format(\"%5s|%-5s|%05d|%+d|% d|%x|%X|%#x|%o|%b\", \"é\", \"b\", 42, 3, 4, 255, 255, 255, 8, 5)", "    é|b    |00042|+3| 4|ff|FF|0xff|10|101"},
    {"format(\"%v %v %v %#v\", 1000000, 12, true, \"x\")", "1e+06 12 true \"x\""},
    {"format(\"%[2]s-%[1]s\", \"a\", \"b\")", "b-a"},
    {"format(\"100%%\")", "100%"},
    {"format(\"%d\", \"12\")", "12"},
    {"format(\"%q\", \"a\\\"b\")", "\"a\\\"b\""},
    {"format(\"%.2s\", \"abc\")", "ab"},
    {"format(\"%d\", 123456789012345678901234567890)", "123456789012345678901234567890"},
    {"format(\"%x\", 18446744073709551616)", "10000000000000000"},
    {"format(\"%e\", 12345.678)", "1.234568e+04"},
    {"format(\"%.0f\", 2.5)", "2"},
    {"format(\"%.0f\", 3.5)", "4"},
    {"format(\"%.2f\", 9.999)", "10.00"},
    {"format(\"%f\", 0)", "0.000000"},
    {"format(\"%08.3f\", -3.14159)", "-003.142"},
    {"jsonencode(formatlist(\"%s-%d\", [\"a\",\"b\"], 1))", "[\"a-1\",\"b-1\"]"},
    {"jsonencode(flatten([1, [2, [3, []]]]))", "[1,2,3]"},
    {"jsonencode(distinct([1, 1.0, \"1\"]))", "[\"1\"]"},
    {"jsonencode(concat([], [\"a\"]))", "[\"a\"]"},
    {"jsonencode(range(3, 0))", "[3,2,1]"},
    {"jsonencode(range(0))", "[]"},
    {"jsonencode(range(0, 1, 0.25))", "[0,0.25,0.5,0.75]"},
    {"jsonencode(chunklist([1,2,3], 0))", "[[1,2,3]]"},
    {"jsonencode(setproduct([\"a\"], []))", "[]"},
    {"jsonencode(setintersection([\"a\",\"b\"],[\"b\",\"c\"],[\"b\"]))", "[\"b\"]"},
    {"jsonencode(setunion([2,10,1],[2]))", "[1,2,10]"},
    {"coalesce(null, 1, \"x\")", "1"},
    {"jsonencode(merge({a=1}, null, {b=2}))", "{\"a\":1,\"b\":2}"},
    {"jsonencode(merge())", "{}"},
    {"lookup({a=null}, \"b\", 7)", "7"},
    {"contains([1, \"a\"], 1)", "true"},
    {"contains([\"1\"], 1)", "false"},
    {"jsonencode(convert({a=\"1\"}, object({a=number})))", "{\"a\":1}"},
    {"jsonencode(convert([\"b\",\"a\",\"b\"], set(string)))", "[\"a\",\"b\"]"},
    {"length(convert([1], list(number)))", "1"},
    {"jsonencode([for k, v in merge({z=1},{y=2}) : k])", "[\"y\",\"z\"]"},
    {"base64decode(base64encode(\"ü\"))", "ü"},
    {"jsonencode(\"<&>\")", "\"\\u003c\\u0026\\u003e\""},
    {"jsonencode(jsondecode(\"{\\\"b\\\":1e3,\\\"a\\\":[null]}\"))", "{\"a\":[null],\"b\":1000}"},
    {"jsonencode(csvdecode(\"a,b\\n\\\"1,\\\"\\\"2\\\",3\\n\"))", "[{\"a\":\"1,\\\"2\",\"b\":\"3\"}]"},
    {"md5(\"\")", "d41d8cd98f00b204e9800998ecf8427e"},
    {"timeadd(\"2024-03-01T00:00:00+01:00\", \"-1s\")", "2024-02-29T23:59:59+01:00"},
    {"timeadd(\"2024-01-01T00:00:00.75Z\", \"0.5s\")", "2024-01-01T00:00:01Z"},
    {"formatdate(\"D MMM YY, h:mm aa 'o''clock' Z ZZZ ZZZZZ\", \"2000-01-02T03:04:05-01:30\")", "2 Jan 00, 3:04 am o'clock -01:30 -0130 -01:30"},
    {"formatdate(\"EEE HH ZZZ\", \"1969-12-31T00:00:00Z\")", "Wed 12 UTC"},
    {"cidrhost(\"fd00::/64\", 257)", "fd00::101"},
    {"cidrnetmask(\"0.0.0.0/0\")", "0.0.0.0"},
    {"cidrsubnet(\"10.0.0.0/24\", 8, 255)", "10.0.0.255/32"},
    {"jsonencode(cidrsubnets(\"10.0.0.0/16\", 8, 4))", "[\"10.0.0.0/24\",\"10.0.16.0/20\"]"},
    /* clang-format on */
};

TEST(functions_give_what_the_language_says)
{
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(values[i].expr);
        T_STR_EQ(evaluate(values[i].expr, false, a), values[i].want);
    }
}

static const struct {
    const char *expr, *want;
} errors[] = {
    /* clang-format off */
    /* of the API's recordings */
    {"reverse([\"a\",\"b\"])[0]", "input.hcl:4,15-16: Invalid function argument; Invalid value for \"str\" parameter: string required."},
    {"length(\"abc\")", "input.hcl:4,7-14: Error in function call; Call to function \"length\" failed: collection must be a list, a map or a tuple."},
    {"length({a=1})", "input.hcl:4,7-14: Error in function call; Call to function \"length\" failed: collection must be a list, a map or a tuple."},
    {"abspath(\"a\")", "input.hcl:4,7-15: Error in function call; Call to function \"abspath\" failed: filesystem function disabled."},
    {"file(\"x\")", "input.hcl:4,7-12: Error in function call; Call to function \"file\" failed: filesystem function disabled."},
    {"basename(\"/a/b.txt\")", "input.hcl:4,7-16: Error in function call; Call to function \"basename\" failed: filesystem function disabled."},
    {"dirname(\"/a/b.txt\")", "input.hcl:4,7-15: Error in function call; Call to function \"dirname\" failed: filesystem function disabled."},
    {"fileexists(\"/etc/passwd\")", "input.hcl:4,7-18: Error in function call; Call to function \"fileexists\" failed: filesystem function disabled."},
    {"pathexpand(\"~/x\")", "input.hcl:4,7-18: Error in function call; Call to function \"pathexpand\" failed: filesystem function disabled."},
    {"fileset(\".\", \"*\")", "input.hcl:4,7-15: Error in function call; Call to function \"fileset\" failed: filesystem function disabled."},
    {"filebase64(\"x\")", "input.hcl:4,7-18: Error in function call; Call to function \"filebase64\" failed: filesystem function disabled."},
    {"nosuch(\"x\")", "input.hcl:4,7-13: Call to unknown function; There is no function named \"nosuch\"."},
    {"upper()", "input.hcl:4,13-14: Not enough function arguments; Function \"upper\" expects 1 argument(s). Missing value for \"str\"."},
    {"upper(\"a\",\"b\")", "input.hcl:4,18-19: Too many function arguments; Function \"upper\" expects only 1 argument(s)."},
    {"upper([1])", "input.hcl:4,13-14: Invalid function argument; Invalid value for \"str\" parameter: string required."},
    {"substr(\"a\")", "input.hcl:4,17-18: Not enough function arguments; Function \"substr\" expects 3 argument(s). Missing value for \"offset\"."},
    {"jsondecode(\"{\")", "input.hcl:4,7-18: Error in function call; Call to function \"jsondecode\" failed: EOF."},
    {"parseint(\"zz\", 10)", "input.hcl:4,17-19: Invalid function argument; Invalid value for \"number\" parameter: cannot parse \"zz\" as a base 10 integer."},
    {"element([], 0)", "input.hcl:4,7-15: Error in function call; Call to function \"element\" failed: cannot use element function with an empty list."},
    {"cidrhost(\"nope\", 1)", "input.hcl:4,7-16: Error in function call; Call to function \"cidrhost\" failed: invalid CIDR expression: invalid CIDR address: nope."},
    {"base64decode(\"!\")", "input.hcl:4,7-20: Error in function call; Call to function \"base64decode\" failed: failed to decode base64 data '!'."},
    {"length(bcrypt(\"x\", 4))", "input.hcl:4,7-14: Error in function call; Call to function \"length\" failed: collection must be a list, a map or a tuple."},
    {"timestamp()", "input.hcl:4,7-16: Call to unknown function; There is no function named \"timestamp\"."},
    {"regex(\"a(b)\", \"ab\")", "input.hcl:4,7-12: Call to unknown function; There is no function named \"regex\"."},
    {"tostring(5)", "input.hcl:4,7-15: Call to unknown function; There is no function named \"tostring\"."},
    {"toset([\"a\"])", "input.hcl:4,7-12: Call to unknown function; There is no function named \"toset\"."},
    {"startswith(\"a\",\"b\")", "input.hcl:4,7-17: Call to unknown function; There is no function named \"startswith\"."},
    {"sum([1])", "input.hcl:4,7-10: Call to unknown function; There is no function named \"sum\"."},
    {"env(\"HOME\")", "input.hcl:4,7-10: Call to unknown function; There is no function named \"env\"."},
    {"templatefile(\"x\", {})", "input.hcl:4,7-19: Call to unknown function; There is no function named \"templatefile\"."},
    {"one([\"a\"])", "input.hcl:4,7-10: Call to unknown function; There is no function named \"one\"."},
    {"rsadecrypt(\"a\",\"b\")", "input.hcl:4,7-18: Error in function call; Call to function \"rsadecrypt\" failed: failed to decode input \"a\": cipher text must be base64-encoded."},
    {"formatdate(\"Q\", \"2024-02-29T13:04:05Z\")", "input.hcl:4,19-20: Invalid function argument; Invalid value for \"format\" parameter: invalid date format verb \"Q\"."},
    {"timeadd(\"x\",\"1h\")", "input.hcl:4,7-15: Error in function call; Call to function \"timeadd\" failed: not a valid RFC3339 timestamp: cannot use \"x\" as year."},
    {"index([\"a\"], \"z\")", "input.hcl:4,7-13: Error in function call; Call to function \"index\" failed: key for tuple must be number."},
    {"index({a=1}, \"a\")", "input.hcl:4,7-13: Error in function call; Call to function \"index\" failed: collection must be a list, a map or a tuple."},
    {"coalesce()", "input.hcl:4,7-16: Error in function call; Call to function \"coalesce\" failed: all arguments must have the same type."},
    {"lookup({a=1}, \"b\")", "input.hcl:4,24-25: Not enough function arguments; Function \"lookup\" expects 3 argument(s). Missing value for \"default\"."},
    {"merge(\"x\")", "input.hcl:4,7-13: Error in function call; Call to function \"merge\" failed: arguments must be maps or objects, got \"string\"."},
    {"format(\"%d\", \"x\")", "input.hcl:4,7-14: Error in function call; Call to function \"format\" failed: unsupported value for \"%d\" at 0: a number is required."},
    {"format(\"%z\", 1)", "input.hcl:4,7-14: Error in function call; Call to function \"format\" failed: unsupported format verb 'z' in \"%z\" at offset 0."},
    {"flatten(\"x\")", "input.hcl:4,7-15: Error in function call; Call to function \"flatten\" failed: can only flatten lists, sets and tuples."},
    {"zipmap([\"a\"],[1,2])", "input.hcl:4,7-14: Error in function call; Call to function \"zipmap\" failed: number of keys (1) does not match number of values (2)."},
    {"slice([1],0,5)", "input.hcl:4,19-20: Invalid function argument; Invalid value for \"end_index\" parameter: end index must not be greater than the length of the list."},
    {"range(1,5,-1)", "input.hcl:4,15-16: Invalid function argument; Invalid value for \"params\" parameter: end must be less than start when step is negative."},
    {"chunklist([1],0)", "input.hcl:4,7-17: Unsuitable value type; Unsuitable value: string required"},
    /* at the edges */
    {"range(1e9)", "input.hcl:4,7-13: Error in function call; Call to function \"range\" failed: more than 1024 values were generated; either decrease the difference between start and end or use a smaller step."},
    {"join(\",\")", "Call to function \"join\" failed: at least one list is required."},
    {"join(\",\", [null])", "Invalid value for \"lists\" parameter: element 0 of list 1 is null; cannot concatenate null values."},
    {"upper(null)", "Invalid value for \"str\" parameter: argument must not be null."},
    {"abs(\"x\")", "Invalid value for \"num\" parameter: a number is required."},
    {"regex_replace(\"a\", \"(\", \"\")", "Call to function \"regex_replace\" failed: error parsing regexp: missing closing ): `(`."},
    {"format(\"%d %d\", 1)", "not enough arguments for \"%d\" at 3: need index 2 but have 1 total."},
    {"format(\"x\", 1)", "too many arguments; no verbs in format string."},
    {"format(\"%s\", null)", "unsupported value for \"%s\" at 0: null value cannot be formatted."},
    {"format(\"%\")", "unterminated format verb starting at offset 0."},
    {"range(1, 2, 0)", "Invalid value for \"params\" parameter: step must not be zero."},
    {"element({a=1}, 0)", "Invalid value for \"list\" parameter: cannot read elements from object."},
    {"setproduct([1])", "at least two arguments are required."},
    {"chunklist({a=1}, 1)", "Invalid value for \"list\" parameter: list of any single type required."},
    {"csvdecode(\"a,b\\n1\")", "CSV parse error on line 2: wrong number of fields."},
    {"csvdecode(\"a,a\")", "duplicate column name \"a\"."},
    {"csvdecode(\"\")", "missing header line."},
    {"timeadd(\"2024-02-30T00:00:00Z\", \"1h\")", "not a valid RFC3339 timestamp: day of month out of range."},
    {"timeadd(\"2024-02-03 00:00:00Z\", \"1h\")", "missing required time introducer 'T'."},
    {"timeadd(\"2024-02-03T00:00:00Z\", \"1y\")", "time: unknown unit"},
    {"formatdate(\"YYY\", \"2024-02-03T00:00:00Z\")", "invalid date format verb \"YYY\": year must either be \"YY\" or \"YYYY\"."},
    {"cidrhost(\"10.0.0.0/24\", 256)", "prefix of 24 does not accommodate a host numbered 256."},
    {"cidrsubnet(\"10.0.0.0/24\", 9, 0)", "insufficient address space to extend prefix of 24 by 9."},
    {"cidrsubnet(\"10.0.0.0/24\", 2, 4)", "prefix extension of 2 does not accommodate a subnet numbered 4."},
    {"cidrsubnets(\"10.0.0.0/30\", 1, 1, 1)", "not enough remaining address space for a subnet with a prefix of 31 bits after 10.0.0.2/31."},
    {"cidrnetmask(\"fd00::/8\")", "IPv6 addresses cannot have a netmask: fd00::/8."},
    {"convert(\"x\", number)", "Invalid value for \"value\" parameter: a number is required."},
    {"convert(\"x\", nosuch)", "The keyword \"nosuch\" is not a valid type specification."},
    {"bcrypt(\"x\", 32)", "cost 32 is outside allowed range (4,31)."},
    {"uuidv5(\"nope\", \"x\")", "uuidv5() doesn't support namespace nope."},
    {"base64decode(\"/w==\")", "the result of decoding the provided string is not valid UTF-8."},
    {"parseint(\"1\", 63)", "base must be a whole number between 2 and 62 inclusive."},
    {"signum(1.5)", "value must be a whole number"},
    /* clang-format on */
};

TEST(a_failed_call_says_why)
{
    for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
        auto_arena struct arena *a = arena_new(0);

        T_ROW(errors[i].expr);
        T_STR_HAS(evaluate(errors[i].expr, false, a), errors[i].want);
    }
}

static const char *const too_dear[] = {
    /* clang-format off */
    "format(\"%1000000000d\", 1)",
    "format(\"%.999999999f\", 1)",
    "indent(99999999, \"\\n\")",
    "join(\",\", [for a in range(1000) : [for b in range(1000) : \"x\"]]...)",
    "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : 1]]]",
    "setproduct(range(1000), range(1000))",
    "setproduct(range(1000), range(1000), range(1000), range(1000), range(1000), range(1000), range(1000))",
    "regex_replace(format(\"%1000000s\", \"x\"), \"(a|b|c|.*)*y\", \"\")",
    "replace(format(\"%100000s\", \"\"), \" \", format(\"%10000s\", \"\"))",
    "bcrypt(\"x\", 31)",
    "yamldecode(join(\"\\n\", concat([\"- &a [x, x, x, x, x, x, x, x, x, x]\"], [for a in range(1000) : format(\"- [%s]\", join(\",\", [for b in range(20) : \"*a\"]))])))",
    "[for a in range(100) : bcrypt(\"x\", 10)]",
    "[for a in range(1000) : strlen(format(\"%100000s\", \"\"))]",
    "[for a in range(10) : jsondecode(format(\"[%1000000s]\", \"1\"))]",
    "distinct([for a in range(1000) : [for b in range(1000) : b]])",
    /* clang-format on */
};

TEST(no_function_takes_more_than_a_file_may)
{
    for (size_t i = 0; i < ARRAY_LEN(too_dear); i++) {
        auto_arena struct arena *a = arena_new(0);
        const char *got;

        T_ROW(too_dear[i]);
        got = evaluate(arena_printf(a, "jsonencode(%s)", too_dear[i]), false, a);
        T_STR_HAS(got, "Expression too expensive; Evaluating \"");
        T_TRUE(arena_bytes(a) < 256 << 20);
    }
}

TEST(only_the_command_line_reads_files)
{
    auto_arena struct arena *a = arena_new(0);

    T_STR_EQ(evaluate("basename(\"/a/b.txt/\")", true, a), "b.txt");
    T_STR_EQ(evaluate("dirname(\"/a/../b/c\")", true, a), "/b");
    T_STR_EQ(evaluate("dirname(\"c\")", true, a), ".");
    T_STR_EQ(evaluate("abspath(\"/a/./b//c/..\")", true, a), "/a/b");
    T_STR_EQ(evaluate("fileexists(\"/nonexistent\")", true, a), "false");
    T_STR_EQ(evaluate("contains(fileset(\"/proc/self\", \"st*us\"), \"status\")", true, a),
             "true");
    T_STR_HAS(evaluate("file(\"/nonexistent\")", true, a), "no file exists at /nonexistent");
    T_STR_HAS(evaluate("file(\"/proc\")", true, a), "/proc is not a regular file");
    T_STR_HAS(evaluate("file(\"/proc/self/status\")", false, a),
              "filesystem function disabled");
}

TEST(chance_and_passwords_look_as_they_should)
{
    auto_arena struct arena *a = arena_new(0);

    T_STR_EQ(
        evaluate("regex_replace(uuidv4(), \"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$\", "
                 "\"x\")",
                 false, a),
        "x");
    T_STR_EQ(evaluate("regex_replace(bcrypt(\"x\", 4), \"^[$]2a[$]04[$][./A-Za-z0-9]{53}$\", "
                      "\"x\")",
                      false, a),
             "x");
}
