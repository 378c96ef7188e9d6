// The kernels as a shared library.
#include "shim.h"
#include "armington.cu"

extern "C" void armington_on_host(
    unsigned grid, unsigned block, size_t bytes, int backwards, const Job *job)
{
    shim_launch(grid, block, bytes, backwards, [=] { armington(job); });
}

extern "C" void armington_treated_on_host(
    unsigned grid, unsigned block, size_t bytes, int backwards, const Job *job,
    const Treated *treated)
{
    shim_launch(grid, block, bytes, backwards, [=] { armington_treated(job, treated); });
}
