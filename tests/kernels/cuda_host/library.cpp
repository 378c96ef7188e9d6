// The kernel as a shared library.
#include "shim.h"
#include "armington.cu"

extern "C" void run(unsigned grid, unsigned block, size_t bytes, int backwards, const Job *job)
{
    shim_launch(grid, block, bytes, backwards, [=] { armington(job); });
}
