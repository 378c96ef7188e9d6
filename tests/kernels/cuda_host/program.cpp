// The kernels as a program, for checkers that want a whole process: one launch from a file.
//
// Arguments: kernel, file, second file. File: grid, block, bytes of shared memory, backwards, number
// of arrays; per array its size in bytes and its content; then the words of the kernel's structs,
// where an address n > 0 means array n - 1. Words are 64 bits wide. Every array gets memory of its
// own and exactly as long as it is, and what the arrays hold at the end goes to the second file,
// one after another.
#include "shim.h"
#include "armington.cu"
#include <cstdint>

static void read(std::FILE *file, void *into, size_t bytes)
{
    if (bytes && std::fread(into, 1, bytes, file) != bytes) std::abort();
}

// Read a struct that begins with addresses.
template <class Struct>
static Struct words(std::FILE *file, const std::vector<char *> &arrays, size_t addresses)
{
    uint64_t words[sizeof(Struct) / 8];
    read(file, words, sizeof words);
    for (size_t n = 0; n < addresses / 8; ++n)
        if (words[n]) words[n] = reinterpret_cast<uint64_t>(arrays[words[n] - 1]);
    Struct made;
    std::memcpy(&made, words, sizeof made);
    return made;
}

int main(int, char **argument)
{
    std::FILE *file = std::fopen(argument[2], "rb");
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
    Job job = words<Job>(file, arrays, offsetof(Job, listed));
    if (!std::strcmp(argument[1], "armington_treated")) {
        Treated treated = words<Treated>(file, arrays, offsetof(Treated, listed));
        shim_launch(head[0], head[1], head[2], head[3], [&] { armington_treated(&job, &treated); });
    } else {
        shim_launch(head[0], head[1], head[2], head[3], [&] { armington(&job); });
    }
    std::fclose(file);
    file = std::fopen(argument[3], "wb");
    if (!file) return 1;
    for (size_t n = 0; n < arrays.size(); ++n) {
        std::fwrite(arrays[n], 1, sizes[n], file);
        std::free(arrays[n]);
    }
    return std::fclose(file);
}
