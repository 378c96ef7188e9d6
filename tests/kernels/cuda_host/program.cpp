// The kernel as a program, for checkers that want a whole process: one launch from a file.
//
// File: grid, block, bytes of shared memory, backwards, number of arrays; per array its size in
// bytes and its content; then the words of the job, where an address n > 0 means array n - 1.
// Words are 64 bits wide. Every array gets memory of its own and exactly as long as it is, and
// what the arrays hold at the end goes to the second file, one after another.
#include "shim.h"
#include "armington.cu"
#include <cstdint>

static void read(std::FILE *file, void *into, size_t bytes)
{
    if (bytes && std::fread(into, 1, bytes, file) != bytes) std::abort();
}

int main(int, char **argument)
{
    std::FILE *file = std::fopen(argument[1], "rb");
    if (!file) return 1;
    uint64_t head[5];
    read(file, head, sizeof head);
    std::vector<uint64_t> sizes;
    std::vector<char *> arrays;
    for (uint64_t n = 0; n < head[4]; ++n) {
        uint64_t size;
        read(file, &size, sizeof size);
        arrays.push_back(static_cast<char *>(std::malloc(size)));
        sizes.push_back(size);
        read(file, arrays.back(), size);
    }
    uint64_t words[sizeof(Job) / 8];
    read(file, words, sizeof words);
    std::fclose(file);
    for (size_t n = 0; n < offsetof(Job, listed) / 8; ++n)
        if (words[n]) words[n] = reinterpret_cast<uint64_t>(arrays[words[n] - 1]);
    Job job;
    std::memcpy(&job, words, sizeof job);
    shim_launch(head[0], head[1], head[2], head[3], [&] { armington(&job); });
    file = std::fopen(argument[2], "wb");
    if (!file) return 1;
    for (size_t n = 0; n < arrays.size(); ++n) {
        std::fwrite(arrays[n], 1, sizes[n], file);
        std::free(arrays[n]);
    }
    return std::fclose(file);
}
