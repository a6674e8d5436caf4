// What the C library's allocator lets a process choose.
#include "CSystemShims.h"

#include <malloc.h>

void csh_share_arenas(int count) { mallopt(M_ARENA_MAX, count); }
