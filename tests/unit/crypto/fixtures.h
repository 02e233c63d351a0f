/*
 * Keys made with openssl(1), for tests only: each is in a form, or of a kind, that we do not
 * write.
 */
#ifndef TESTS_UNIT_CRYPTO_FIXTURES_H
#define TESTS_UNIT_CRYPTO_FIXTURES_H

/* clang-format off */
#define FIXTURE_EC_SEC1 \
    "-----BEGIN EC PARAMETERS-----\n" \
    "BggqhkjOPQMBBw==\n" \
    "-----END EC PARAMETERS-----\n" \
    "-----BEGIN EC PRIVATE KEY-----\n" \
    "MHcCAQEEIJtPK7qsx+XbXvQVOi4bKaN46PANoO4tToyOxOoYQ7/CoAoGCCqGSM49\n" \
    "AwEHoUQDQgAEDibgTYbPh0cQEMHXx3ucDMhGuAdsuVVEU/Nr7V6XdVbt7bbOF4r8\n" \
    "idSy76Qj6OgM36pL4wDdCsvm8rPnQvoZFw==\n" \
    "-----END EC PRIVATE KEY-----\n"

#define FIXTURE_EC_PUBLIC \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEDibgTYbPh0cQEMHXx3ucDMhGuAds\n" \
    "uVVEU/Nr7V6XdVbt7bbOF4r8idSy76Qj6OgM36pL4wDdCsvm8rPnQvoZFw==\n" \
    "-----END PUBLIC KEY-----\n"

#define FIXTURE_EC_ENCRYPTED \
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" \
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgV/CB4GcqVfwICCAAw\n" \
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEG8Ii7S52O2VFI5Ckn6wMeoEgZCQ\n" \
    "/6cZRL0cMLj2naAdncfICZuzXJ6z3apTsKEkNh+KhlCeHIyp2bwiokAGCafZzL/3\n" \
    "WC8cjNNySUL3FFlubIyOKC/5BLTQ4eiRfA3lHpcdlmfRYTgADTiwVQdNnhLrJgI1\n" \
    "6tONZaCUguqcYKLwXf1hgWvqNHN5uCXdgZmML2KZfB4xDDtXaoMvvntqU90tDQg=\n" \
    "-----END ENCRYPTED PRIVATE KEY-----\n"

#define FIXTURE_RSA_PKCS1 \
    "-----BEGIN RSA PRIVATE KEY-----\n" \
    "MIIEowIBAAKCAQEAvL8JiRgPuSxYIwwzGsXYHonJ4l4/eOcuthiz4h7X0051XbtU\n" \
    "6pIzJrXowE/oRbutR2rncuMKQA1c1AHTjWa6oTAq/A4zuNpVwGWHm1v/kRuCNnos\n" \
    "fVKnGwhbVU5Al2keIBBdjIniBOpCZCO9NNArtu4WRtK74b6SODn3ITCFjA6VV3oJ\n" \
    "/W1IVEgy3iuZUOTVJwg7z2a3+pAOUBdbUg+jLLk1JLrC2exb3OUEVfcgJQaAp3P5\n" \
    "M7LKqT9/c+TiBdT45TUaIgkKtbnqVNe5k/3U7U7SO+t/94tFZ+hio0O78zcTf9uD\n" \
    "VAxZVdSbyCOFhrTi/jvt4tizYkOYXCpuJSSAfwIDAQABAoIBABbScUsOtMAALlFh\n" \
    "OpYEfCMH0s24oFYfJf/GBuIoNpKJ9xkJULWNo0+389e6ZxcfdU6gYjH7D+nkyRJS\n" \
    "0jX+c5c6kB1Vc52TZjD9qyL27HUAQti8IcBZi8kcqTvXBWpevyduCHxjeQfScjVS\n" \
    "OPY3gZb8kjGoGNMCoa2Dchqk7PudMNjWFKhYagrCgif/rkU8+Z5hxWjNxqO26/6J\n" \
    "BqNqyjSgF0MKLF0RQLMm83hf9RVSJoUQwYHZi0K6tinm2+Eq94CbToNwKmtZNRf7\n" \
    "NzcP4ouHxwsgDF5MGLSyRNggc23ossZt+yLy7KqGsLaQDHvzRwpsgKo4stIgIake\n" \
    "xWv454kCgYEA+vJV68EgwXx1q/Uth9qYZq+cDueE7JaLjN3VxaYpSGCw0jWPxrWN\n" \
    "yhj1w4u31qLWukt3rB2GckYrMsrdJmzrkFDjdwZ5FJVt6FbkF6SOitO+hQ5/a2DE\n" \
    "Gr0zd0a49b3YaxdxKLD+TdODBfYaE5H7ydVBpOgD92MHEF5DYdvKZS0CgYEAwIwM\n" \
    "0hPcXvCoiFCwEushCfwT/65UPR9qLj6nHYuMUgzhyPNzU1k5EfZXsAdxEOOy4v8h\n" \
    "ZtYLh68uaqQ8y94gQKGUw6MHqHqzLW0VZXNH/z7Hr9z/+xl4pHysD5s3UmGlUf9E\n" \
    "y/TReUTO5AjpAkPQku3qlOrkgkXN2Tishm5tn9sCgYEArFvIAd4rNlnapJoIhLfy\n" \
    "Vw0kvePsm2cnQECZdGCVGD45FJhvQQcv9PBB1OZhBU3g+CGfd5rr3g8t2nwVey/y\n" \
    "d7PnF7hdb3LXA26yyT5gHSAkSlVT1Reoeckb0T/FCBw1yhBWy6ENebzd0DlhXbG1\n" \
    "48HSjYZCOydMEcT8uPjyQZ0CgYAlz9r8rlXKdyxBiMbrEC2uzkgHH+7/CdpKNpeO\n" \
    "38awnkMAuX5eUdk5Q804jl2P2YdZuIyQq1wcSzSsUJB34KkoyBJ00OFCHsZtF0zq\n" \
    "XVc4MtX4HUhPwVLFyo3niq20ieRzU9Po0a0JSY/vjChl/3dIQ1yb3fz98ENacxy+\n" \
    "UZVJnQKBgFR+47q7b3CmHXrjG2P/jBOJ4CfIgdTR+oDSA5kFEhLP59iEEwBvhRla\n" \
    "ZlzWJ2Z71mMRoC4U+oBqy1NR2a2zGyAGJcbHKmMhmRmek8lMG0N7ytjoqOKRX8Yo\n" \
    "rIChJlnB8ts/Z+Ix5C9FmOPioFDC5AVY72vxulrsT1FNWFYaJHUY\n" \
    "-----END RSA PRIVATE KEY-----\n"

#define FIXTURE_RSA_1024 \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDOaLhKVaBbWukbE0H6CEBDVtut\n" \
    "4ZoM+8HTLuvRAMrON8V5V/iWA7IEU+xtUooo8CEEoMli1wL7DZTmZLFhw6SuTHUn\n" \
    "A3dPO2dcvyjmJLg1t9hhDScVBMq8e7xz2UDXpY2fcxygGBc44VBwp1zbcG/o9I5i\n" \
    "8f846KpnPixCNHqweQIDAQAB\n" \
    "-----END PUBLIC KEY-----\n"

#define FIXTURE_SECP256K1 \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEzHi+UuyJKwUd+aovKA9xiYHtr+S/W+ZU\n" \
    "kIan5f8h4uIzVSS5MFX5dWp7XK06twqJuXxTfV9sVqwNYbRzGXvSPQ==\n" \
    "-----END PUBLIC KEY-----\n"

#define FIXTURE_X25519 \
    "-----BEGIN PUBLIC KEY-----\n" \
    "MCowBQYDK2VuAyEAMWNAAu7j4jL6iccW3x7rNpkpbzN7UJsZGz9AvLSqdgE=\n" \
    "-----END PUBLIC KEY-----\n"

/* clang-format on */

#endif
