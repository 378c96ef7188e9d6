// The Armington kernel for CUDA: one thread block solves one product under one scenario.
//
// The algorithm is told in kernels/README.md; the same numbers come out of armington_cpu.py.
// What a block needs in every sweep (prices, indices, Anderson's history) lies in shared memory,
// or in a slot of global memory where that is too small; the two weights of every flow are
// streamed, by importer for the indices and by exporter for sales.
//
// Rules that keep it checkable without a GPU and right for any number of threads:
// - Threads meet the data only through EACH. All else is uniform: every thread computes it alike,
//   from values that were in memory before the last barrier.
// - A value that all threads read is not written before another barrier.
// - Sums are cut in a fixed number of parts, whatever the number of threads: results do not
//   depend on it, to the last bit.
// - Plain C with __syncthreads(); no warp intrinsics, no atomics.

#ifndef EACH
#define EACH(item, count) for (int item = threadIdx.x; item < (count); item += blockDim.x)
#define SHARED_DOUBLES(name) extern __shared__ double name[]
#endif

#ifndef MAX_THREADS
#define MAX_THREADS 1024  // the largest block; a smaller one leaves more registers to each thread
#endif

#define INF (1.0 / 0.0)

enum { DEPTH = 5 };   // differences that Anderson acceleration remembers
enum { LANES = 8 };   // parts of the sum over one exporter's or importer's flows
enum { PARTS = 64 };  // parts of a sum or maximum over a vector
enum { CONVERGED = 0, MAX_STEPS = 1, INFEASIBLE = 2, NONFINITE = 3 };
enum { POWER, NEAR, LOG };  // how an index is computed: by powers, by expm1 near 1, at 1

#define NEAR_ONE 0.01
#define AT_ONE 1e-12
#define ROUNDING 2.220446049250313e-16
#define GROWTH 10.0

typedef long long Long;

// Everything a launch is told; 64 bits each, packed by packing.py in this order.
struct Job {
    // Which products, largest first; the same for every scenario.
    const int *products;
    // The market: rows of each product, then rows of flows.
    const Long *flow_ptr, *exporter_ptr, *importer_ptr;
    const Long *by_exporter;  // [X + 1] range of the exporter's flows
    const Long *by_importer;  // [M + 1] range of the importer's flows, in the second order
    const int *to;            // [F] importer of the flow, counted within the product
    const int *from;          // [F] in the second order: exporter of the flow, likewise
    const int *turned;        // [F] in the second order: the flow, counted within the product
    const double *share, *sales_share;
    const unsigned char *home;
    const double *sigma, *eta, *sigma_home, *epsilon;
    // The shocks: one after another.
    const double *log_cost;
    const unsigned char *admitted;
    const double *log_supply, *log_demand;
    // What comes out, likewise.
    double *log_price, *log_index;
    signed char *status;
    Long *iterations;
    double *residual, *error_bound;
    // One slot per block: weights of flows, and vectors where shared memory is too small.
    double *weights, *vectors;
    // Numbers.
    Long listed, scenarios, all_products, flows, exporters, importers;
    Long weights_stride, vectors_stride;  // 0: in shared memory
    Long max_steps;
    double tolerance;
};

// Vectors over exporters, then over importers; those after BUNDLE only with a nest.
enum {
    DX = 0, DF = DEPTH, Q = 2 * DEPTH, Z = 3 * DEPTH, LAST, LAST_STEP, BEST, BEST_STEP, SHIFT_I,
    SUPPLY, EPSILON, SLOPE, EXCESS, VALUE, EXPORTER_VECTORS
};
enum {
    CONSTANT, KEPT, LOG_KEPT, SHIFT_J, OFFSET, DEMAND, INDEX, BUNDLE,
    HOME_COST, HOME_SALES, HOME_SHARE, LOG_UPPER, IMPORTER_VECTORS
};
enum { PLAIN_IMPORTER_VECTORS = HOME_COST };
enum { SMALL = DEPTH * (DEPTH + 1) };  // Anderson's triangle and right-hand side
enum { HAS_MARKET = 1, IS_FREE = 2 };  // flags of an exporter
enum { SERVED = 1, IMPORTS = 2 };      // flags of an importer

// One product. `z_i = x_i + n_i`, costs are `c_ij = m_j + n_i + rest` (SHIFT_J, SHIFT_I).
struct Product {
    int nx, nm, nf, nested, mode;
    int unknowns;  // length of the vectors over exporters: instruments add unknowns to prices
    double sigma, eta, outer, power;
    const Long *by_exporter, *by_importer;
    Long first;  // flow
    const int *to, *from, *turned;
    const double *share, *sales_share, *log_cost, *epsilon, *log_supply, *log_demand;
    const unsigned char *home, *admitted;
    double *a, *b;  // weight in the index, in the second order; weight in sales
    double *x, *m, *small, *part;
    int *flag_i, *flag_j, *home_col, *home_row;
};

#define XV(vector) (p.x + (vector) * p.unknowns)
#define MV(vector) (p.m + (vector) * p.nm)

static __device__ double larger(double a, double b) { return a > b ? a : b; }
static __device__ double smaller(double a, double b) { return a < b ? a : b; }

// The larger of two, NaN where either is.
static __device__ double worse(double a, double b) { return (a >= b || a != a) ? a : b; }

static __device__ int is_finite(double value) { return value - value == 0.0; }

static __device__ int mode_of(double power)
{
    return fabs(power) < AT_ONE ? LOG : fabs(power) < NEAR_ONE ? NEAR : POWER;
}

static __device__ double log_share_kept(double kept, double lost)
{
    if (lost == 0.0) return 0.0;
    return lost < kept ? log1p(-lost / (kept + lost)) : log(kept / (kept + lost));
}

// Where a part of a row's sum is kept: turned from row to row, against bank conflicts.
static __device__ int slot(int row, int lane) { return row * LANES + (row + lane) % LANES; }

static __device__ double row_sum(const double *part, int row)
{
    double total = 0.0;
    for (int lane = 0; lane < LANES; ++lane) total += part[slot(row, lane)];
    return total;
}

static __device__ double row_least(const double *part, int row)
{
    double least = INF;
    for (int lane = 0; lane < LANES; ++lane) least = smaller(least, part[slot(row, lane)]);
    return least;
}

// Fold `count` rows of PARTS into their first entries. Ends with a barrier; whoever reads the
// result needs one more before `part` is written again.
static __device__ void fold(double *part, int count, int largest)
{
    for (int half = PARTS / 2; half > 0; half /= 2) {
        __syncthreads();
        EACH(work, count * half) {
            double *mine = part + work / half * PARTS + work % half;
            mine[0] = largest ? worse(mine[0], mine[half]) : mine[0] + mine[half];
        }
    }
    __syncthreads();
}

static __device__ int row_start(const Product &p, const Long *ptr, int row)
{
    return (int)(ptr[row] - p.first);
}

// Validity of every number. Finds the largest |log cost| on the way.
static __device__ int is_valid(const Product &p, double sigma_home, double *size)
{
    EACH(work, PARTS) {
        double bad = 0.0, largest = 0.0;
        for (int f = work; f < p.nf; f += PARTS) {
            double share = p.share[f], sales = p.sales_share[f];
            if (!(share >= 0.0 && share < INF && sales >= 0.0 && sales < INF)) bad = 1.0;
            if ((share > 0.0) != (sales > 0.0)) bad = 1.0;
            if (!p.admitted[f]) continue;
            double cost = fabs(p.log_cost[f]);
            if (!(share > 0.0 && cost < INF)) bad = 1.0;
            largest = larger(largest, cost);
        }
        for (int i = work; i < p.nx; i += PARTS)
            if (!(p.epsilon[i] >= 0.0 && is_finite(p.log_supply[i]))) bad = 1.0;
        for (int j = work; j < p.nm; j += PARTS)
            if (!is_finite(p.log_demand[j])) bad = 1.0;
        p.part[work] = bad;
        p.part[PARTS + work] = largest;
    }
    fold(p.part, 2, 1);
    int good = p.part[0] == 0.0;
    *size = p.part[PARTS];
    __syncthreads();
    if (!(p.sigma > 0.0 && p.sigma < INF && p.eta >= 0.0 && p.eta < INF)) return 0;
    return good && (!p.nested || (sigma_home > 0.0 && sigma_home < INF));
}

// Shares kept, costs split, weights of flows. Returns 0 where an index has no finite value.
static __device__ int prepare(const Product &p, double *modulus)
{
    EACH(j, p.nm) {
        p.home_row[j] = -1;
        if (p.nested) MV(HOME_SHARE)[j] = MV(HOME_COST)[j] = MV(HOME_SALES)[j] = 0.0;
    }
    EACH(i, p.nx) p.home_col[i] = -1;
    __syncthreads();

    // By importer: shares kept (pass 0) and lost (pass 1), smallest cost (pass 2).
    for (int pass = 0; pass < 3; ++pass) {
        EACH(work, p.nm * LANES) {
            int j = work / LANES, lane = work % LANES;
            double value = pass == 2 ? INF : 0.0;
            int stop = row_start(p, p.by_importer, j + 1);
            for (int g = row_start(p, p.by_importer, j) + lane; g < stop; g += LANES) {
                int f = p.turned[g], kept = p.admitted[f];
                if (p.nested && p.home[f]) {
                    if (pass > 0) continue;
                    MV(HOME_SHARE)[j] = p.share[f];
                    if (!kept) continue;
                    p.home_row[j] = p.from[g];
                    p.home_col[p.from[g]] = j;
                    MV(HOME_COST)[j] = p.log_cost[f];
                    MV(HOME_SALES)[j] = log(p.sales_share[f]);
                } else if (pass == 2) {
                    if (kept) value = smaller(value, p.log_cost[f]);
                } else if (kept == (pass == 0)) {
                    value += p.share[f];
                }
            }
            p.part[slot(j, lane)] = value;
        }
        __syncthreads();
        EACH(j, p.nm) {
            if (pass == 0) MV(KEPT)[j] = row_sum(p.part, j);
            else if (pass == 1) MV(LOG_KEPT)[j] = row_sum(p.part, j);
            else MV(SHIFT_J)[j] = row_least(p.part, j);
        }
        __syncthreads();
    }

    EACH(j, p.nm) {
        double kept = MV(KEPT)[j], lost = MV(LOG_KEPT)[j], shift = MV(SHIFT_J)[j];
        int imports = kept > 0.0, at_home = p.home_row[j] >= 0;
        double broken = imports && lost > 0.0 && p.sigma <= 1.0 + AT_ONE;
        p.flag_j[j] = (imports ? IMPORTS : 0) | (imports || at_home ? SERVED : 0);
        if (p.nested) {
            double home_base = MV(HOME_SHARE)[j], share = 0.0, upper = 0.0, gone = 0.0;
            if (at_home && imports) {
                share = home_base / (kept + lost + home_base);
            } else if (at_home) {
                share = 1.0;
                gone = kept + lost;
                upper = log_share_kept(home_base, gone);
            } else if (imports) {
                gone = home_base;
                upper = log_share_kept(kept + lost, gone);
            }
            if (gone > 0.0 && p.outer <= 1.0 + AT_ONE) broken = 1.0;
            MV(HOME_SHARE)[j] = share;
            MV(LOG_UPPER)[j] = upper;
        }
        if (!imports) shift = 0.0;
        MV(SHIFT_J)[j] = shift;
        MV(LOG_KEPT)[j] = imports ? log_share_kept(kept, lost) : 0.0;
        MV(OFFSET)[j] = p.log_demand[j] - (p.nested ? p.outer : p.eta) * shift;
        MV(DEMAND)[j] = broken;  // until the first sweep
    }
    __syncthreads();

    // By exporter: the smallest cost that is left.
    EACH(work, p.nx * LANES) {
        int i = work / LANES, lane = work % LANES;
        double least = INF;
        int stop = row_start(p, p.by_exporter, i + 1);
        for (int f = row_start(p, p.by_exporter, i) + lane; f < stop; f += LANES)
            if (p.admitted[f] && !(p.nested && p.home[f]))
                least = smaller(least, p.log_cost[f] - MV(SHIFT_J)[p.to[f]]);
        p.part[slot(i, lane)] = least;
    }
    __syncthreads();
    EACH(i, p.nx) {
        double least = row_least(p.part, i), epsilon = p.epsilon[i];
        int market = least < INF || p.home_col[i] >= 0;
        p.flag_i[i] = (market ? HAS_MARKET : 0) | (market && epsilon < INF ? IS_FREE : 0);
        double shift = least < INF ? least : 0.0, slope = epsilon < INF ? epsilon : 0.0;
        XV(SHIFT_I)[i] = shift;
        XV(EPSILON)[i] = slope;
        XV(SUPPLY)[i] = p.log_supply[i] - slope * shift;
    }
    __syncthreads();
    EACH(work, PARTS) {
        double broken = 0.0, least = INF;
        for (int j = work; j < p.nm; j += PARTS) broken = larger(broken, MV(DEMAND)[j]);
        for (int i = work; i < p.nx; i += PARTS)
            if (p.flag_i[i] & IS_FREE) least = smaller(least, XV(EPSILON)[i]);
        p.part[work] = broken;
        p.part[PARTS + work] = -least;
    }
    fold(p.part, 2, 1);
    int feasible = p.part[0] == 0.0;
    double least = -p.part[PARTS];
    __syncthreads();

    double spread = fabs(p.sigma - p.eta), steepest = p.sigma;
    if (p.nested) {
        double gap = p.sigma - p.outer;
        spread = (gap >= 0.0 ? gap : -2.0 * gap) + fabs(p.outer - p.eta);
        steepest = larger(p.sigma, p.outer);
    }
    *modulus = spread / (least + steepest);
    if (*modulus >= 1.0) steepest = larger(steepest, p.eta);
    EACH(i, p.nx) XV(SLOPE)[i] = XV(EPSILON)[i] + steepest;

    // Weights, 0 for flows that are out.
    EACH(work, p.nm * LANES) {
        int j = work / LANES, lane = work % LANES;
        double constant = 0.0;
        int stop = row_start(p, p.by_importer, j + 1);
        for (int g = row_start(p, p.by_importer, j) + lane; g < stop; g += LANES) {
            int f = p.turned[g];
            double weight = 0.0;
            if (p.admitted[f] && !(p.nested && p.home[f])) {
                double share = p.share[f] / MV(KEPT)[j];
                double rest = p.log_cost[f] - MV(SHIFT_J)[j] - XV(SHIFT_I)[p.from[g]];
                weight = share * exp(p.power * rest);
                if (p.mode == NEAR) constant += share * expm1(p.power * rest);
                else if (p.mode == LOG) constant += share * rest;
            }
            p.a[g] = weight;
        }
        p.part[slot(j, lane)] = constant;
    }
    EACH(work, p.nx * LANES) {
        int i = work / LANES, lane = work % LANES;
        int stop = row_start(p, p.by_exporter, i + 1);
        for (int f = row_start(p, p.by_exporter, i) + lane; f < stop; f += LANES) {
            double weight = 0.0;
            if (p.admitted[f] && !(p.nested && p.home[f])) {
                double rest = p.log_cost[f] - MV(SHIFT_J)[p.to[f]] - XV(SHIFT_I)[i];
                weight = p.sales_share[f] * exp(-p.sigma * rest);
            }
            p.b[f] = weight;
        }
    }
    __syncthreads();
    EACH(j, p.nm) MV(CONSTANT)[j] = row_sum(p.part, j);
    __syncthreads();
    return feasible;
}

// Log power mean of the home price and the bundle of imports.
static __device__ double upper_index(double home, double bundle, double share, double power)
{
    int mode = mode_of(power);
    if (mode == LOG) return share * home + (1.0 - share) * bundle;
    if (mode == NEAR) {
        double inside = share * expm1(power * home) + (1.0 - share) * expm1(power * bundle);
        return log1p(inside) / power;
    }
    double top = larger(power * home, power * bundle);
    double inside = share * exp(power * home - top) + (1.0 - share) * exp(power * bundle - top);
    return (top + log(inside)) / power;
}

// Indices and demand of one importer, from the sum of weighted price powers.
static __device__ void importer(const Product &p, int j, double total)
{
    int imports = p.flag_j[j] & IMPORTS;
    double bundle = 0.0, demand = 0.0;
    if (imports) {
        bundle = p.mode == POWER ? log(total) : p.mode == NEAR ? log1p(total) : total;
        if (p.mode != LOG) bundle = (bundle + MV(LOG_KEPT)[j]) / p.power;
    }
    double index = bundle + MV(SHIFT_J)[j];
    MV(BUNDLE)[j] = index;
    if (!p.nested) {
        if (imports) demand = exp((p.sigma - p.eta) * bundle + MV(OFFSET)[j]);
    } else {
        int row = p.home_row[j];
        if (row >= 0) {
            double home = XV(Z)[row] - XV(SHIFT_I)[row] + MV(HOME_COST)[j];
            index = imports ? upper_index(home, index, MV(HOME_SHARE)[j], 1.0 - p.outer) : home;
        }
        if (MV(LOG_UPPER)[j] != 0.0) index += MV(LOG_UPPER)[j] / (1.0 - p.outer);
        if (imports)
            demand = exp((p.sigma - p.outer) * bundle + (p.outer - p.eta) * index + MV(OFFSET)[j]);
    }
    MV(INDEX)[j] = index;
    MV(DEMAND)[j] = demand;
}

// Log demand over supply of one exporter, from its weighted sum of demand.
static __device__ double excess_of(const Product &p, int i, double total)
{
    if (!(p.flag_i[i] & IS_FREE)) return 0.0;
    double z = XV(Z)[i];
    double sales = total == 0.0 ? -INF : log(total) - p.sigma * z;
    int j = p.home_col[i];
    if (p.nested && j >= 0) {
        double delivered = z - XV(SHIFT_I)[i] + MV(HOME_COST)[j];
        double home = (p.outer - p.eta) * MV(INDEX)[j] + p.log_demand[j] - p.outer * delivered;
        home += MV(HOME_SALES)[j];
        double top = larger(sales, home);
        sales = top + log(exp(sales - top) + exp(home - top));
    }
    return sales - XV(SUPPLY)[i] - XV(EPSILON)[i] * z;
}

// Indices and log excess demand at Z: the largest |excess|, and the largest step.
static __device__ void sweep(const Product &p, double *worst, double *length)
{
    EACH(i, p.nx) {
        double z = XV(Z)[i];
        XV(VALUE)[i] = p.mode == POWER ? exp(p.power * z) : p.mode == NEAR ? expm1(p.power * z) : z;
    }
    __syncthreads();
    EACH(work, p.nm * LANES) {
        int j = work / LANES, lane = work % LANES;
        double total = 0.0;
        int stop = row_start(p, p.by_importer, j + 1);
        for (int g = row_start(p, p.by_importer, j) + lane; g < stop; g += LANES)
            total += p.a[g] * XV(VALUE)[p.from[g]];
        p.part[slot(j, lane)] = total;
    }
    __syncthreads();
    EACH(j, p.nm) importer(p, j, MV(CONSTANT)[j] + row_sum(p.part, j));
    __syncthreads();
    EACH(work, p.nx * LANES) {
        int i = work / LANES, lane = work % LANES;
        double total = 0.0;
        int stop = row_start(p, p.by_exporter, i + 1);
        for (int f = row_start(p, p.by_exporter, i) + lane; f < stop; f += LANES)
            total += p.b[f] * MV(DEMAND)[p.to[f]];
        p.part[slot(i, lane)] = total;
    }
    __syncthreads();
    EACH(i, p.nx) XV(EXCESS)[i] = excess_of(p, i, row_sum(p.part, i));
    __syncthreads();
    EACH(work, PARTS) {
        double most = 0.0, longest = 0.0;
        for (int i = work; i < p.nx; i += PARTS) {
            double size = fabs(XV(EXCESS)[i]);
            most = worse(most, size);
            longest = worse(longest, size / XV(SLOPE)[i]);
        }
        p.part[work] = most;
        p.part[PARTS + work] = longest;
    }
    fold(p.part, 2, 1);
    *worst = p.part[0];
    *length = p.part[PARTS];
    __syncthreads();
}

// Take from Z = x + f the combination of past differences that best explains f: least squares
// by modified Gram-Schmidt, latest difference first. One that adds no new direction is left out.
static __device__ void accelerate(const Product &p, int held, int next)
{
    double *triangle = p.small, *weight = p.small + DEPTH * DEPTH, size[DEPTH];
    EACH(work, held * p.unknowns) {
        int n = work / p.unknowns, i = work % p.unknowns;
        XV(Q + n)[i] = XV(DF + (next - 1 - n + DEPTH) % DEPTH)[i];
    }
    __syncthreads();
    EACH(work, held * PARTS) {
        const double *column = XV(Q + work / PARTS);
        double total = 0.0;
        for (int i = work % PARTS; i < p.unknowns; i += PARTS) total += column[i] * column[i];
        p.part[work] = total;
    }
    fold(p.part, held, 0);
    for (int n = 0; n < DEPTH; ++n) size[n] = n < held ? p.part[n * PARTS] : 0.0;
    __syncthreads();
    for (int n = 0; n < held; ++n) {
        int rest = held - n;  // this column and the later ones, then the last step
        const double *column = XV(Q + n);
        EACH(work, (rest + 1) * PARTS) {
            int v = work / PARTS;
            const double *other = v < rest ? XV(Q + n + v) : XV(LAST_STEP);
            double total = 0.0;
            for (int i = work % PARTS; i < p.unknowns; i += PARTS) total += column[i] * other[i];
            p.part[work] = total;
        }
        fold(p.part, rest + 1, 0);
        double left = p.part[0];
        int taken = !(left <= 1e-16 * size[n]);
        EACH(v, rest + 1) {
            double value = taken ? p.part[v * PARTS] / sqrt(left) : v == 0 ? 1.0 : 0.0;
            if (v < rest) triangle[n * DEPTH + n + v] = value;
            else weight[n] = value;
        }
        if (taken) {
            EACH(work, (rest - 1) * p.unknowns) {
                int v = work / p.unknowns + 1, i = work % p.unknowns;
                XV(Q + n + v)[i] -= p.part[v * PARTS] / left * column[i];
            }
        }
        __syncthreads();
    }
    EACH(one, 1) {
        for (int n = held - 1 - one; n >= 0; --n) {
            for (int c = n + 1; c < held; ++c) weight[n] -= triangle[n * DEPTH + c] * weight[c];
            weight[n] /= triangle[n * DEPTH + n];
        }
    }
    __syncthreads();
    EACH(i, p.unknowns) {
        double z = XV(Z)[i];
        for (int n = 0; n < held; ++n) {
            int h = (next - 1 - n + DEPTH) % DEPTH;
            z -= weight[n] * (XV(DX + h)[i] + XV(DF + h)[i]);
        }
        XV(Z)[i] = z;
    }
    __syncthreads();
}

// What `iterate` moves: the prices of a product that no instrument touches.
struct Prices {
    static __device__ void keep_within_limits(const Product &) {}
    static __device__ void evaluate(const Product &p, double *worst, double *length)
    {
        sweep(p, worst, length);
    }
};

// Anderson acceleration of the fixed point in Z, undone where it does not pay. A sweep leaves the
// step in EXCESS / SLOPE. Returns 1 where the tolerance is met; otherwise Z is the best point
// found.
template <class Unknowns>
static __device__ int iterate(const Product &p, const Unknowns &unknowns, double tolerance,
                              Long max_steps, Long *iterations, double *worst)
{
    double best = INF, length;
    int held = 0, next = 0, plain = 1;
    Long steps = 0;
    *worst = INF - INF;
    while (steps < max_steps) {
        unknowns.keep_within_limits(p);
        unknowns.evaluate(p, worst, &length);
        *iterations = ++steps;
        if (*worst <= tolerance) return 1;
        if (!(length <= GROWTH * best) || length == INF) {
            if (plain) break;
            EACH(i, p.unknowns) {
                XV(Z)[i] = XV(BEST)[i] + XV(BEST_STEP)[i];
                XV(LAST)[i] = XV(BEST)[i];
                XV(LAST_STEP)[i] = XV(BEST_STEP)[i];
            }
            __syncthreads();
            held = next = 0;
            plain = 1;
            continue;
        }
        int first = best == INF, better = length < best;
        EACH(i, p.unknowns) {
            double z = XV(Z)[i], step = XV(EXCESS)[i] / XV(SLOPE)[i];
            if (!first) {
                XV(DX + next)[i] = z - XV(LAST)[i];
                XV(DF + next)[i] = step - XV(LAST_STEP)[i];
            }
            if (better) {
                XV(BEST)[i] = z;
                XV(BEST_STEP)[i] = step;
            }
            XV(LAST_STEP)[i] = step;
            XV(LAST)[i] = z;
            XV(Z)[i] = z + step;
        }
        __syncthreads();
        if (!first) {
            next = (next + 1) % DEPTH;
            held = held < DEPTH ? held + 1 : DEPTH;
        }
        if (better) best = length;
        plain = held == 0;
        if (!plain) accelerate(p, held, next);
    }
    if (best < INF) {
        EACH(i, p.unknowns) XV(Z)[i] = XV(BEST)[i];
        __syncthreads();
        unknowns.evaluate(p, worst, &length);
    }
    return 0;
}

// Prices and indices of the last sweep; returns the error bound (as equations.error_bound).
static __device__ double write(
    const Product &p, double *log_price, double *log_index, double modulus, double size)
{
    EACH(i, p.nx) {
        double x = XV(Z)[i] - XV(SHIFT_I)[i];
        log_price[i] = p.flag_i[i] & HAS_MARKET ? x : INF - INF;
    }
    EACH(j, p.nm) log_index[j] = p.flag_j[j] & SERVED ? MV(INDEX)[j] : INF - INF;
    EACH(work, PARTS) {
        double price = 0.0, index = 0.0, bundle = 0.0;
        for (int i = work; i < p.nx; i += PARTS)
            if (p.flag_i[i] & HAS_MARKET)
                price = larger(price, fabs(XV(Z)[i] - XV(SHIFT_I)[i]));
        for (int j = work; j < p.nm; j += PARTS) {
            if (p.flag_j[j] & SERVED) index = larger(index, fabs(MV(INDEX)[j]));
            if (p.flag_j[j] & IMPORTS) bundle = larger(bundle, fabs(MV(BUNDLE)[j]));
        }
        p.part[work] = price;
        p.part[PARTS + work] = index;
        p.part[2 * PARTS + work] = bundle;
    }
    fold(p.part, 3, 1);
    double exponent = 1.0 + size + p.part[0] + p.part[PARTS] + p.part[2 * PARTS];
    __syncthreads();
    double gain = fabs(p.outer - p.eta) / larger(fabs(1.0 - p.outer), NEAR_ONE);
    gain += (fabs(p.sigma - p.outer) + fabs(p.outer - p.eta)) / larger(fabs(p.power), NEAR_ONE);
    double terms = 4.0 + (p.nx > p.nm ? p.nx : p.nm);
    double steepest = larger(larger(p.sigma, p.eta), p.outer);
    double rounding = ROUNDING * (terms * (1.0 + gain) + 4.0 * (1.0 + steepest) * exponent);
    EACH(work, PARTS) {
        double most = 0.0;
        for (int i = work; i < p.nx; i += PARTS)
            if (p.flag_i[i] & IS_FREE)
                most = larger(most, (fabs(XV(EXCESS)[i]) + rounding) / XV(SLOPE)[i]);
        p.part[work] = most;
    }
    fold(p.part, 1, 1);
    double most = p.part[0];
    __syncthreads();
    return modulus >= 1.0 ? INF - INF : most / (1.0 - modulus);
}

// Point at one product under one scenario.
static __device__ void load(const Job &job, Product &p, int k, Long s)
{
    Long x0 = job.exporter_ptr[k], m0 = job.importer_ptr[k];
    p.first = job.flow_ptr[k];
    p.nf = (int)(job.flow_ptr[k + 1] - p.first);
    p.nx = (int)(job.exporter_ptr[k + 1] - x0);
    p.nm = (int)(job.importer_ptr[k + 1] - m0);
    double sigma_home = job.sigma_home[k];
    p.nested = sigma_home == sigma_home;
    p.sigma = job.sigma[k];
    p.eta = job.eta[k];
    p.outer = p.nested ? sigma_home : p.sigma;
    p.power = 1.0 - p.sigma;
    p.mode = mode_of(p.power);
    p.by_exporter = job.by_exporter + x0;
    p.by_importer = job.by_importer + m0;
    p.to = job.to + p.first;
    p.from = job.from + p.first;
    p.turned = job.turned + p.first;
    p.share = job.share + p.first;
    p.sales_share = job.sales_share + p.first;
    p.home = job.home + p.first;
    p.epsilon = job.epsilon + x0;
    p.log_cost = job.log_cost + s * job.flows + p.first;
    p.admitted = job.admitted + s * job.flows + p.first;
    p.log_supply = job.log_supply + s * job.exporters + x0;
    p.log_demand = job.log_demand + s * job.importers + m0;
}

// Cut the memory of a block: vectors, at least `parts` partial sums, and weights of flows, which
// lie in a slot of their own where they do not fit. Returns the end. As packing.vector_doubles.
static __device__ double *cut(
    const Job &job, Product &p, double *memory, int vectors, int parts)
{
    int least = (DEPTH + 1) * PARTS;
    p.x = memory;
    p.m = p.x + EXPORTER_VECTORS * p.unknowns;
    p.small = p.m + vectors * p.nm;
    p.part = p.small + SMALL;
    double *end = p.part + (parts > least ? parts : least);
    p.flag_i = (int *)end;
    p.home_col = p.flag_i + p.nx;
    p.flag_j = p.home_col + p.nx;
    p.home_row = p.flag_j + p.nm;
    end += p.nx + p.nm;
    p.a = job.weights_stride ? job.weights + blockIdx.x * job.weights_stride : end;
    p.b = p.a + p.nf;
    return p.b + p.nf;
}

static __device__ void solve(const Job &job, Product &p, int k, Long s, double *memory)
{
    load(job, p, k, s);
    p.unknowns = p.nx;
    cut(job, p, memory, p.nested ? (int)IMPORTER_VECTORS : (int)PLAIN_IMPORTER_VECTORS,
        (p.nx > p.nm ? p.nx : p.nm) * LANES);

    double size, modulus, worst = INF - INF, bound = INF - INF;
    int status = CONVERGED;
    Long iterations = 0;
    if (!is_valid(p, job.sigma_home[k], &size)) {
        status = NONFINITE;
    } else if (!prepare(p, &modulus)) {
        status = INFEASIBLE;
    } else {
        EACH(i, p.nx) XV(Z)[i] = XV(SHIFT_I)[i];
        __syncthreads();
        Prices prices;
        if (!iterate(p, prices, job.tolerance, job.max_steps, &iterations, &worst))
            status = MAX_STEPS;
        bound = write(p, job.log_price + s * job.exporters + job.exporter_ptr[k],
                      job.log_index + s * job.importers + job.importer_ptr[k], modulus, size);
    }
    Long row = s * job.all_products + k;
    EACH(one, 1) {
        job.status[row + one] = (signed char)status;
        job.iterations[row] = iterations;
        job.residual[row] = worst;
        job.error_bound[row] = bound;
    }
    __syncthreads();
}

// One work item is a product under a scenario; a block takes every gridDim.x-th.
extern "C" __global__ void __launch_bounds__(MAX_THREADS) armington(const Job *given)
{
    SHARED_DOUBLES(shared);
    const Job &job = *given;
    double *memory = job.vectors_stride ? job.vectors + blockIdx.x * job.vectors_stride : shared;
    Long items = job.listed * job.scenarios;
    for (Long item = blockIdx.x; item < items; item += gridDim.x) {
        Product p;
        solve(job, p, job.products[item % job.listed], item / job.listed, memory);
    }
}

#include "instruments.cuh"
