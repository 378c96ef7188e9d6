// Just enough CUDA to compile armington.cu with a C++ compiler and run it on the processor.
//
// Two ways to run a block, chosen when compiling:
// - by phases (the default): one thread of the machine stands for the whole block. EACH walks
//   through the block's threads, one after another, forwards or backwards; a barrier is nothing.
//   Fast for any block size. Code outside EACH runs once and cannot name a thread: that it is the
//   same for all threads holds by construction. Both directions must give the same bits, else
//   threads disturb each other between two barriers.
// - SHIM_THREADS: every thread of the block is a thread of the machine, and barriers are real, so
//   that a missing one can be found (-fsanitize=thread). Slow.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

struct Index { unsigned x; };

#define __global__
#define __device__
#define __noinline__
#define __launch_bounds__(threads)

static Index gridDim, blockDim;
static double *shim_shared;  // as long as the launch says, to the byte: a checker sees beyond
static thread_local Index blockIdx;

#ifdef SHIM_THREADS
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

static thread_local Index threadIdx;

// A barrier that gives up loudly where threads took different ways.
class Barrier {
    std::mutex lock;
    std::condition_variable moved;
    unsigned waiting = 0, round = 0;
public:
    void wait()
    {
        std::unique_lock<std::mutex> held(lock);
        unsigned mine = round;
        if (++waiting == blockDim.x) {
            waiting = 0;
            ++round;
            moved.notify_all();
        } else if (!moved.wait_for(held, std::chrono::seconds(60), [&] { return round != mine; })) {
            std::fprintf(stderr, "threads of a block do not meet at a barrier\n");
            std::abort();
        }
    }
};
static Barrier shim_barrier;

#define EACH(item, count) for (int item = threadIdx.x; item < (count); item += blockDim.x)
static inline void __syncthreads() { shim_barrier.wait(); }

#else

static int shim_backwards;

static inline int shim_thread(int turn) { return shim_backwards ? blockDim.x - 1 - turn : turn; }
#define EACH(item, count) \
    for (int turn_ = 0; turn_ < (int)blockDim.x; ++turn_) \
        for (int item = shim_thread(turn_); item < (count); item += blockDim.x)
static inline void __syncthreads() {}

#endif

#define SHARED_DOUBLES(name) double *name = shim_shared

// Run a kernel. Shared memory starts as NaN for every block: nothing may count on what is there.
template <class Kernel>
void shim_launch(unsigned grid, unsigned block, size_t bytes, int backwards, Kernel kernel)
{
    gridDim.x = grid;
    blockDim.x = block;
    std::vector<double> memory(bytes / sizeof(double));
    shim_shared = memory.data();
#ifdef SHIM_THREADS
    (void)backwards;
    auto live = [&](unsigned thread) {
        threadIdx.x = thread;
        for (unsigned b = 0; b < grid; ++b) {
            blockIdx.x = b;
            shim_barrier.wait();
            if (thread == 0) memory.assign(memory.size(), NAN);
            shim_barrier.wait();
            kernel();
        }
    };
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < block; ++t) threads.emplace_back(live, t);
    for (auto &thread : threads) thread.join();
#else
    shim_backwards = backwards;
    for (blockIdx.x = 0; blockIdx.x < grid; ++blockIdx.x) {
        memory.assign(memory.size(), NAN);
        kernel();
    }
#endif
}
