/*
 * crowd -- many connections to one server, and how soon all of them have their reply
 *
 *     crowd PORT N PATH held       each asks for PATH and is left waiting; then a whole HTTP
 *                                  request is read from standard input and sent on one
 *                                  connection more: tells the ms until the last reply has begun
 *     crowd PORT N PATH answered   each asks for PATH and gets its reply; they stay open until
 *                                  standard input ends
 *
 * Says "ready" when all have asked (and have been answered). Connections come from many
 * loopback addresses, PER_ADDRESS each: a server limits what one address may hold.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PER_ADDRESS = 90, EVENTS = 512, TEXT_MAX = 1 << 16, PATIENCE_MS = 60000 };

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* From an address of its own group: 127.1.0.1, 127.1.0.2, ... */
static int dial(int port, int i)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from.sin_addr.s_addr = htonl(0x7f010001 + (unsigned)(i / PER_ADDRESS));
    if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) < 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        die("connect");
    return fd;
}

static void say(int fd, const char *text, size_t len)
{
    if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
        die("send");
}

/* The beginning of a reply is one: short or not, it was made whole before it was sent. */
static void hear(int fd)
{
    static char text[TEXT_MAX];
    ssize_t n = recv(fd, text, sizeof text - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    if (strncmp(text, "HTTP/1.1 2", 10) != 0) {
        fprintf(stderr, "crowd: refused: %.300s\n", text);
        exit(1);
    }
}

static void hear_all(int ep, int n)
{
    struct epoll_event ev[EVENTS];

    while (n > 0) {
        int got = epoll_wait(ep, ev, EVENTS, PATIENCE_MS);

        if (got <= 0)
            die("no reply for a minute");
        for (int i = 0; i < got; i++) {
            hear(ev[i].data.fd);
            epoll_ctl(ep, EPOLL_CTL_DEL, ev[i].data.fd, NULL);
        }
        n -= got;
    }
}

static void release(int port, int n, int ep)
{
    static char request[TEXT_MAX];
    size_t len = fread(request, 1, sizeof request, stdin);
    int fd = dial(port, n);
    double begin = now_ms();

    if (len == 0)
        return;
    say(fd, request, len);
    hear_all(ep, n);
    printf("%.1f\n", now_ms() - begin);
}

int main(int argc, char **argv)
{
    char text[1024];
    int ep = epoll_create1(0), port, n;

    if (argc != 5) {
        fprintf(stderr, "usage: crowd PORT N PATH held|answered\n");
        return 2;
    }
    port = atoi(argv[1]);
    n = atoi(argv[2]);
    int len = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", argv[3]);

    for (int i = 0; i < n; i++) {
        struct epoll_event want = {.events = EPOLLIN, .data.fd = dial(port, i)};

        say(want.data.fd, text, (size_t)len);
        if (strcmp(argv[4], "answered") == 0)
            hear(want.data.fd);
        else if (epoll_ctl(ep, EPOLL_CTL_ADD, want.data.fd, &want) < 0)
            die("epoll");
    }
    puts("ready");
    fflush(stdout);
    if (strcmp(argv[4], "answered") == 0)
        while (getchar() != EOF)
            ;
    else
        release(port, n, ep);
    return 0;
}
