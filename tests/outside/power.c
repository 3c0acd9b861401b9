/* What a disk holds of a SQLite database after a power cut, for LD_PRELOAD.

   Beside each file FILE.db and FILE.db-wal in the folder POWER_OF stands FILE….synced: what the
   program had waited for the disk to take. Nothing is really synced; a sync copies to that file
   what was written since the last one. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 16
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

typedef struct { off_t from, to; } Range;
typedef struct { dev_t device; ino_t inode; int shadow; Range *dirty; size_t count, room; } File;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static File files[FILES];

static int ends_with(const char *text, const char *end) {
    size_t length = strlen(text), wanted = strlen(end);
    return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

/* The file behind a descriptor, or NULL when it is none of ours; called with the lock held. */
static File *file_of(int fd) {
    struct stat seen;
    char link[64], path[4096], shadow[4200];
    const char *folder = getenv("POWER_OF");
    if (folder == NULL || fstat(fd, &seen) != 0 || !S_ISREG(seen.st_mode)) return NULL;
    for (int i = 0; i < FILES; i++)
        if (files[i].inode == seen.st_ino && files[i].device == seen.st_dev)
            return files[i].shadow < 0 ? NULL : &files[i];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return NULL;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder)) != 0) return NULL;
    if (!ends_with(path, ".db") && !ends_with(path, ".db-wal")) return NULL;
    for (int i = 0; i < FILES; i++)
        if (files[i].inode == 0) {
            snprintf(shadow, sizeof shadow, "%s.synced", path);
            files[i] = (File){seen.st_dev, seen.st_ino, open(shadow, O_RDWR | O_CREAT, 0600), NULL, 0, 0};
            if (files[i].shadow < 0) abort();
            return &files[i];
        }
    abort();
}

static void touched(int fd, off_t from, ssize_t length) {
    File *file = length > 0 ? file_of(fd) : NULL;
    if (file == NULL) return;
    if (file->count == file->room) {
        file->room = file->room ? 2 * file->room : 256;
        file->dirty = realloc(file->dirty, file->room * sizeof(Range));
        if (file->dirty == NULL) abort();
    }
    file->dirty[file->count++] = (Range){from, from + length};
}

static void keep(int fd, File *file) {
    char page[4096];
    struct stat seen;
    for (size_t i = 0; i < file->count; i++)
        for (off_t at = file->dirty[i].from; at < file->dirty[i].to;) {
            off_t left = file->dirty[i].to - at;
            ssize_t got = pread(fd, page, left < 4096 ? left : 4096, at);
            if (got <= 0) break; /* cut off since */
            if (REAL(pwrite)(file->shadow, page, got, at) != got) abort();
            at += got;
        }
    file->count = 0;
    if (fstat(fd, &seen) != 0 || ftruncate(file->shadow, seen.st_size) != 0) abort();
}

static ssize_t written(ssize_t (*real)(int, const void *, size_t, off_t), int fd, const void *what,
                       size_t length, off_t at) {
    pthread_mutex_lock(&lock);
    ssize_t done = real(fd, what, length, at);
    touched(fd, at, done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *what, size_t length, off_t at) {
    return written(REAL(pwrite), fd, what, length, at);
}

ssize_t pwrite64(int fd, const void *what, size_t length, off_t at) {
    return written(REAL(pwrite64), fd, what, length, at);
}

static int synced(int (*real)(int), int fd) {
    pthread_mutex_lock(&lock);
    File *file = file_of(fd);
    if (file != NULL) keep(fd, file);
    pthread_mutex_unlock(&lock);
    return file != NULL ? 0 : real(fd);
}

int fsync(int fd) { return synced(REAL(fsync), fd); }

int fdatasync(int fd) { return synced(REAL(fdatasync), fd); }
