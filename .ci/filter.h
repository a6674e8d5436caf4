/* What the generators of filters share: how one is printed, and how a failed call ends the program. */
#include <errno.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void check(int status, const char *what) {
    if (status == 0) return;
    fprintf(stderr, "%s: %d\n", what, status);
    exit(1);
}

/* Prints the program as the body of a Swift array. */
static int print(scmp_filter_ctx filter) {
    FILE *file = tmpfile();
    if (!file) return 1;
    check(seccomp_export_bpf(filter, fileno(file)), "export");
    rewind(file);
    struct { uint16_t code; uint8_t jt, jf; uint32_t k; } row;
    while (fread(&row, sizeof row, 1, file) == 1) {
        printf("        .init(code: 0x%02x, jt: %u, jf: %u, k: 0x%08x),\n", row.code, row.jt, row.jf, row.k);
    }
    return 0;
}
