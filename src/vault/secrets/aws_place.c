/* Where IAM and STS are, and for which region a request to them is signed. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "vault/secrets/aws_priv.h"

#define REGION_DEFAULT "us-east-1"

static bool is_given(const char *s)
{
    return s && *s;
}

static const char *region_of(const struct aws_root *root)
{
    static const char *const names[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};

    if (is_given(root->region))
        return root->region;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *v = getenv(names[i]);

        if (is_given(v))
            return v;
    }
    return REGION_DEFAULT;
}

/* It becomes part of a host name and of the signature's scope. */
static bool is_region(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return n > 0 && n <= 64 && s[n] == '\0';
}

/* IAM is one per partition. */
static void iam_place(const char *region, struct aws_place *ret)
{
    static const struct {
        const char *prefix, *origin, *region;
    } partitions[] = {
        {"cn-", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"},
        {"us-gov-", "https://iam.us-gov.amazonaws.com", "us-gov-west-1"},
        {"us-isob-", "https://iam.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
        {"us-iso-", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
        {"", "https://iam.amazonaws.com", REGION_DEFAULT},
    };
    size_t i = 0;

    while (!str_starts(str_of(region), str_of(partitions[i].prefix)))
        i++;
    ret->origin = partitions[i].origin;
    ret->region = partitions[i].region;
}

/* STS has one for the regions of old, and one in each of the others. */
static void sts_place(const char *region, struct arena *a, struct aws_place *ret)
{
    static const char *const global[] = {
        "ap-northeast-1", "ap-south-1",   "ap-southeast-1", "ap-southeast-2",
        "aws-global",     "ca-central-1", "eu-central-1",   "eu-north-1",
        "eu-west-1",      "eu-west-2",    "eu-west-3",      "sa-east-1",
        "us-east-1",      "us-east-2",    "us-west-1",      "us-west-2",
    };
    struct str r = str_of(region);
    const char *domain = str_starts(r, STR("cn-"))        ? "amazonaws.com.cn"
                         : str_starts(r, STR("us-isob-")) ? "sc2s.sgov.gov"
                         : str_starts(r, STR("us-iso-"))  ? "c2s.ic.gov"
                                                          : "amazonaws.com";

    for (size_t i = 0; i < ARRAY_LEN(global); i++) {
        if (str_eqc(r, global[i])) {
            ret->origin = "https://sts.amazonaws.com";
            ret->region = REGION_DEFAULT;
            return;
        }
    }
    ret->origin = arena_printf(a, "https://sts.%s.%s", region, domain);
    ret->region = region;
}

/* "http://host:port/path" */
static void split_endpoint(const char *endpoint, struct arena *a, struct aws_place *ret)
{
    const char *full =
        strstr(endpoint, "://") ? endpoint : arena_printf(a, "https://%s", endpoint);
    struct str all = str_of(full);
    size_t host = (size_t)(strstr(full, "://") + 3 - full);
    ptrdiff_t slash = str_chr(str_from(all, host), '/');
    struct str path = slash < 0 ? STR("/") : str_from(all, host + (size_t)slash);

    ret->origin = arena_cstr(a, slash < 0 ? all : str_upto(all, host + (size_t)slash));
    ret->path = arena_printf(a, str_ends(path, STR("/")) ? "%.*s" : "%.*s/", STR_ARG(path));
}

int aws_place_find(const struct aws_root *root, enum aws_service s, struct arena *a,
                   struct aws_place *ret, struct err *e)
{
    const char *endpoint = s == AWS_IAM ? root->iam_endpoint : root->sts_endpoint;
    const char *region = region_of(root);

    if (!is_region(region))
        return err_set(e, ERR_UNAVAIL, "\"%.64s\" is not the name of a region", region);
    *ret = (struct aws_place){.path = "/", .region = arena_strdup(a, region)};
    if (is_given(endpoint))
        split_endpoint(endpoint, a, ret);
    else if (s == AWS_IAM)
        iam_place(ret->region, ret);
    else
        sts_place(ret->region, a, ret);
    return 0;
}
