// A workload that counts: GET /count adds one to a number in memory and to one in /data/count, and answers both.
// After a restore of the durable volume the second goes on where it was, and the first begins again.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static void leave(int number) {
    (void)number;
    _exit(0);
}

static long load(const char *path) {
    FILE *file = fopen(path, "re");
    long value = 0;
    if (file) {
        if (fscanf(file, "%ld", &value) != 1) value = 0;
        fclose(file);
    }
    return value;
}

// Whole or not at all: a checkpoint may come at any instant.
static int store(const char *path, long value) {
    char temporary[512];
    snprintf(temporary, sizeof temporary, "%s.new", path);
    FILE *file = fopen(temporary, "we");
    if (!file) return -1;
    fprintf(file, "%ld\n", value);
    if (fflush(file) != 0 || fsync(fileno(file)) != 0) {
        fclose(file);
        return -1;
    }
    fclose(file);
    return rename(temporary, path);
}

// COUNTER_FILL="random 64" or "zero 64": so many MiB of memory that a snapshot has to carry, or only seems to.
static int fill(const char *wanted) {
    char kind[16];
    size_t size, words;
    if (!wanted) return 0;
    if (sscanf(wanted, "%15s %zu", kind, &size) != 2) return -1;
    words = (size << 20) / sizeof(uint64_t);
    uint64_t *memory = mmap(NULL, size << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return -1;
    uint64_t state = 88172645463325252ULL;
    for (size_t index = 0; index < words; index++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        memory[index] = strcmp(kind, "random") == 0 ? state : 0;
    }
    return 0;
}

int main(void) {
    if (fill(getenv("COUNTER_FILL")) != 0) return fprintf(stderr, "counter: COUNTER_FILL is \"random MIB\" or \"zero MIB\"\n"), 1;
    const char *directory = getenv("COUNTER_DATA") ? getenv("COUNTER_DATA") : "/data";
    const char *port = getenv("COUNTER_PORT") ? getenv("COUNTER_PORT") : "8080";
    char path[400];
    snprintf(path, sizeof path, "%s/count", directory);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGTERM, leave);
    signal(SIGPIPE, SIG_IGN);
    mkdir(directory, 0755);

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 64) != 0) {
        fprintf(stderr, "counter: port %s: %s\n", port, strerror(errno));
        return 1;
    }
    printf("counter: listening on %s, data starts at %ld\n", port, load(path));

    for (long memory = 0;;) {
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0) continue;
        struct timeval patience = {.tv_sec = 5};
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        char request[4096] = "", body[128] = "not found\n", answer[512];
        size_t have = 0;
        while (have < sizeof request - 1 && !strstr(request, "\r\n\r\n")) {
            ssize_t count = read(client, request + have, sizeof request - 1 - have);
            if (count <= 0) break;
            request[have += (size_t)count] = 0;
        }
        const char *status = "404 Not Found";
        if (strncmp(request, "GET /readyz ", 12) == 0) {
            status = "200 OK";
            strcpy(body, "ok\n");
        } else if (strncmp(request, "GET /count ", 11) == 0) {
            long data = load(path) + 1;
            status = store(path, data) == 0 ? "200 OK" : "500 Internal Server Error";
            snprintf(body, sizeof body, "memory=%ld data=%ld\n", ++memory, data);
        }
        int size = snprintf(answer, sizeof answer,
                            "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                            status, strlen(body), body);
        if (write(client, answer, (size_t)size) < 0) perror("counter: write");
        printf("%.*s -> %s\n", (int)strcspn(request, "\r\n"), request, status);
        close(client);
    }
}
