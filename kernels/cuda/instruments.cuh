// The part of the kernel for products under instruments; armington.cu includes it.
//
// A block starts from the answer that `armington` gave for its product without them. Where nothing
// binds there, that stays the answer; otherwise it sweeps over producer prices and premiums of
// groups. The equations are those of kernels/instruments.py and complementarity.py.
//
// Flows under an instrument that acts flow by flow (a specific duty, a floor, a quota, a limit on
// a group) are *treated*: their two weights are 0, and every sweep computes their price and
// quantity one by one. All other flows go through the weights, as without instruments. Capacities
// and contracts for differences act on supply and treat no flow.

#define ROOT_STEPS 200        // most steps of the search for one importer's level of demand
#define NEWTON_ALONE 12       // steps after which every fourth one halves the bracket instead
#define LARGEST_MOVE 20.0     // largest change of a log level in one step
#define NEGLIGIBLE 10.0       // tolerances within which the plain answer must solve the product
#define LEAST_OWN 0.05        // least elasticity that a step is divided by, over sigma
#define LARGEST_STEP 1.0      // largest plain step of a log price or premium
#define HALF_SQRT 0.70710678118654752440

// Products with treated flows or other supply, each under one scenario: the items of the launch.
// Packed by treated.py in this order, 64 bits each.
struct Treated {
    const int *items;  // which items, largest first
    // By item.
    const int *product, *scenario;
    const Long *exporter_row, *importer_row;  // first row in by_exporter, by_importer
    const Long *supply_row;                   // first row in log_capacity and so on; -1: none
    const Long *limited_ptr, *group_ptr;      // ranges of limited importers and of groups
    const Long *segments_ptr;                 // range of segments
    // By row of the item's exporters and importers: ranges of treated flows, which are sorted by
    // exporter; `turned` has them by importer, those with a quota last.
    const Long *by_exporter, *by_importer;
    const int *turned;  // counted within the item
    // Importers with a quota, and where the flows under one begin.
    const int *limited;
    const Long *limited_start;
    // By treated flow.
    const int *flow, *place;  // counted within the product: the flow; its row in the second order
    const int *source, *to;   // its exporter and importer, likewise
    const double *log_specific, *log_floor, *dispersion, *log_quota, *beyond;
    const Long *groups_ptr;   // range of its groups
    const int *groups;        // counted within the item
    // By group; its rows are sorted by importer, those of one importer are a segment.
    const Long *rows_ptr;
    const double *log_limit, *largest_premium;
    const int *rows;          // treated flows, counted within the item
    const int *segment_of;    // segment of the row, likewise
    const double *weight;     // of the row
    const Long *segment_rows; // [segments + 1] range of rows
    // Supply of exporters.
    const double *log_capacity, *strike, *covered, *upside;
    // What comes out: premiums by group, and whether the host has to go on, by item.
    double *log_shadow;
    signed char *left;
    Long listed;
};

// Vectors over importers after those of a product without a nest, and over treated flows.
enum { TOTAL = PLAIN_IMPORTER_VECTORS, LEVEL, BELOW, ABOVE, GAP, TREATED_IMPORTER_VECTORS };
enum { REST, SHARE, LOW, HIGH, PASSED, OVER, QUANTITY, MOVING, PULL, FLOW_VECTORS };
// Names for vectors over exporters that instruments use otherwise; groups follow exporters.
enum { RESIDUAL = VALUE };

// One item; pointers are to its first row, ranges count from its first treated flow.
struct Item {
    int flows, groups, limited, segments;
    Long first;
    double steepest;
    const Long *by_exporter, *by_importer, *limited_start, *groups_ptr, *rows_ptr,
        *segment_rows;
    const int *turned, *limited_row, *flow, *place, *source, *to, *member, *rows, *segment_of;
    const double *log_specific, *log_floor, *dispersion, *log_quota, *beyond;
    const double *weight, *log_limit, *largest_premium;
    const double *log_capacity, *strike, *covered, *upside;  // 0: the product has none
    double *f, *inside;  // vectors over treated flows; a sum per segment
    double *log_shadow;
};

#define FV(vector) (t.f + (vector) * t.flows)

static __device__ double log_sum(double a, double b)
{
    double top = larger(a, b);
    return top == -INF ? top : top + log(exp(a - top) + exp(b - top));
}

// A delivered price in the sum of an importer's index, by its mode, and what it is spent on.
static __device__ double price_power(const Product &p, double price)
{
    return p.mode == POWER ? exp(p.power * price) : p.mode == NEAR ? expm1(p.power * price) : price;
}

static __device__ double spent(const Product &p, double value)
{
    return p.mode == POWER ? value : p.mode == NEAR ? 1.0 + value : 1.0;
}

// Lift a log price to a floor, with dispersion to the mean of shipments each lifted on its own.
// `passed` becomes the elasticity of the result by the price.
static __device__ double lift(double price, double floor, double dispersion, double *passed)
{
    double lifted = larger(price, floor);
    *passed = price > floor ? 1.0 : 0.0;
    if (!(dispersion > 0.0 && floor > -INF)) return lifted;
    double gap = price - floor, d = gap / dispersion + 0.5 * dispersion;
    double own = exp(smaller(gap, 0.0)) * 0.5 * erfc(-d * HALF_SQRT);
    double floored = exp(smaller(-gap, 0.0)) * 0.5 * erfc((d - dispersion) * HALF_SQRT);
    *passed = own / (own + floored);
    return lifted + log(own + floored);
}

// Log price of a treated flow before its specific duty and floor, premiums included; prices of
// treated flows are relative to SHIFT_J, like those of the others.
static __device__ double before(const Product &p, const Item &t, int f)
{
    double price = XV(Z)[t.source[f]] + FV(REST)[f];
    for (Long n = t.groups_ptr[f]; n < t.groups_ptr[f + 1]; ++n)
        price += XV(Z)[p.nx + t.member[n]];
    return price;
}

// The price after both, and its elasticity.
static __device__ double delivered(
    const Product &p, const Item &t, int f, double price, double *passed)
{
    double shift = MV(SHIFT_J)[t.to[f]], after = price, through;
    if (t.log_specific[f] > -INF) after = log_sum(price, t.log_specific[f] - shift);
    through = exp(price - after);
    after = lift(after, t.log_floor[f] - shift, t.dispersion[f], passed);
    *passed *= through;
    return after;
}

// Log price at a level of demand, and whether the quota sets it.
static __device__ double at_level(const Product &p, const Item &t, int f, double level, int *held)
{
    double low = FV(LOW)[f], high = FV(HIGH)[f];
    double wanted = (level - t.log_quota[f]) / p.sigma;
    *held = wanted > low && wanted < high;
    return smaller(larger(low, wanted), high);
}

// One step of the search for the level at which price index and quotas of an importer agree:
// Newton inside a bracket, on T - (sigma - eta) ln P - ln D, which increases in T.
static __device__ void step_level(const Product &p, const Item &t, int n, int step)
{
    int j = t.limited_row[n];
    double level = MV(LEVEL)[j], below = MV(BELOW)[j], above = MV(ABOVE)[j];
    double total = MV(TOTAL)[j] + row_sum(p.part, n), held = row_sum(p.part, t.limited + n);
    if (p.home_row[j]) return;  // found
    double pull = p.sigma - p.eta, bundle = total;
    if (p.mode != LOG) {
        bundle = ((p.mode == NEAR ? log1p(total) : log(total)) + MV(LOG_KEPT)[j]) / p.power;
        held /= p.mode == NEAR ? 1.0 + total : total;
    }
    double gap = level - pull * bundle - MV(OFFSET)[j];
    double slope = larger(1.0 - pull / p.sigma * held, 1e-12);
    double move = larger(-LARGEST_MOVE, smaller(gap / slope, LARGEST_MOVE)), trial = level - move;
    if (gap <= 0.0) below = level;
    if (gap >= 0.0) above = level;
    int bracketed = below > -INF && above < INF;
    int halve = step > NEWTON_ALONE && step % 4 == 3 ? bracketed : trial <= below || trial >= above;
    if (halve) trial = 0.5 * (below + above);
    double scale = 4e-16 * (1.0 + fabs(level) + (p.sigma + p.eta) * fabs(bundle));
    int moves = fabs(gap) > scale && fabs(trial - level) > scale;
    MV(DEMAND)[j] = total;
    MV(GAP)[j] = gap;
    MV(BELOW)[j] = below;
    MV(ABOVE)[j] = above;
    if (moves) MV(LEVEL)[j] = trial;
    else p.home_row[j] = 1;
}

// Levels of the importers with quotas; adds what they spend under quotas to TOTAL.
static __device__ void find_levels(const Product &p, const Item &t)
{
    if (!t.limited) return;
    EACH(n, t.limited) {
        int j = t.limited_row[n];
        MV(BELOW)[j] = -INF;
        MV(ABOVE)[j] = INF;
        p.home_row[j] = 0;
    }
    __syncthreads();
    for (int step = 0; step < ROOT_STEPS; ++step) {
        EACH(work, t.limited * LANES) {
            int n = work / LANES, lane = work % LANES, j = t.limited_row[n], is_held;
            double total = 0.0, held = 0.0;
            int stop = (int)(t.by_importer[j + 1] - t.first);
            for (int g = (int)(t.limited_start[n] - t.first) + lane; g < stop; g += LANES) {
                int f = t.turned[g];
                double value = price_power(p, at_level(p, t, f, MV(LEVEL)[j], &is_held));
                total += FV(SHARE)[f] * value;
                if (is_held) held += FV(SHARE)[f] * spent(p, value);
            }
            p.part[slot(n, lane)] = total;
            p.part[slot(t.limited + n, lane)] = held;
        }
        __syncthreads();
        EACH(n, t.limited) step_level(p, t, n, step);
        __syncthreads();
        int done = 1;
        for (int n = 0; done && n < t.limited; ++n) done = p.home_row[t.limited_row[n]];
        if (done) break;
    }
    EACH(n, t.limited) MV(TOTAL)[t.limited_row[n]] = MV(DEMAND)[t.limited_row[n]];
    __syncthreads();
}

// Log supply of an exporter without its capacity, and its elasticity, at producer price x.
static __device__ double supplied(const Product &p, const Item &t, int i, double x, double *slope)
{
    double epsilon = p.epsilon[i], open = epsilon * x;
    *slope = epsilon;
    if (!t.strike || !(t.strike[i] > 0.0 && t.covered[i] > 0.0)) return p.log_supply[i] + open;
    double price = exp(x), strike = t.strike[i], upside = t.upside[i], share = t.covered[i];
    double paid = strike, passed = 0.0, log_paid;
    if (price > strike) {
        passed = (1.0 - upside) * price;
        paid = strike + (1.0 - upside) * (price - strike);
        passed /= paid;
    }
    // A strike below the price, with nothing paid back, changes nothing to the last bit.
    log_paid = price > strike && upside == 0.0 ? x : log(paid);
    double contract = epsilon * log_paid, top = larger(open, contract);
    double part = share * exp(contract - top), rest = (1.0 - share) * exp(open - top);
    *slope = epsilon * (part * passed + rest) / (part + rest);
    return p.log_supply[i] + top + log(part + rest);
}

static __device__ double cut_step(double step)
{
    return larger(-LARGEST_STEP, smaller(step, LARGEST_STEP));
}

// Residual and step of one exporter, from its log sales and the share of them that answers to no
// price. Its unknown is the producer price; below a capacity supply follows it, at the capacity
// the price is what makes buyers take just that.
static __device__ void clear(const Product &p, const Item &t, int i, double sales, double deaf)
{
    double residual = 0.0, step = 0.0, slope, own = t.steepest * larger(1.0 - deaf, LEAST_OWN);
    double x = XV(Z)[i] - XV(SHIFT_I)[i], most = t.log_capacity ? t.log_capacity[i] : INF;
    if (p.flag_i[i] & IS_FREE) {
        double supply = supplied(p, t, i, x, &slope);
        int contract = t.strike && t.strike[i] > 0.0 && t.covered[i] > 0.0;
        residual = sales - smaller(supply, most);
        // Where supply does not vanish at a price of 0, output may stay unsold there.
        if (contract || p.epsilon[i] == 0.0) residual = larger(residual, -exp(x));
        step = larger((sales - supply) / (slope + own), (sales - most) / own);
    } else if ((p.flag_i[i] & HAS_MARKET) && most < INF) {
        residual = -smaller(p.sigma * x, most - sales);
        step = larger(-x, (sales - most) / own);
    }
    XV(RESIDUAL)[i] = residual;
    XV(EXCESS)[i] = cut_step(step);
}

// Residual and step of one group, from what it uses and the slope of that by its own premium.
static __device__ void limit(const Product &p, const Item &t, int g, double used, double slope)
{
    double premium = XV(Z)[p.nx + g], most = t.largest_premium[g];
    double slack = t.log_limit[g] - log(used), own = larger(slope / used, LEAST_OWN * p.sigma);
    double residual = smaller(p.sigma * premium, slack);
    double next = larger(0.0, smaller(premium - slack / own, most));
    XV(RESIDUAL)[p.nx + g] = larger(residual, p.sigma * (premium - most));
    XV(EXCESS)[p.nx + g] = cut_step(next - premium);
}

// By segment: how much of what its importer spends follows the premium of its group.
static __device__ void sum_segments(const Product &p, const Item &t)
{
    int most = p.nx > p.nm ? p.nx : p.nm;  // what `part` has room for
    for (int first = 0; first < t.segments; first += most) {
        int count = t.segments - first < most ? t.segments - first : most;
        EACH(work, count * LANES) {
            int n = work / LANES, lane = work % LANES;
            double total = 0.0;
            Long stop = t.segment_rows[first + n + 1];
            for (Long r = t.segment_rows[first + n] + lane; r < stop; r += LANES)
                total += FV(PULL)[t.rows[r]];
            p.part[slot(n, lane)] = total;
        }
        __syncthreads();
        EACH(n, count) t.inside[first + n] = row_sum(p.part, n);
        __syncthreads();
    }
}

// Use of every group, a few groups at a time.
static __device__ void use_groups(const Product &p, const Item &t)
{
    enum { AT_ONCE = (DEPTH + 1) / 2 };
    sum_segments(p, t);
    for (int first = 0; first < t.groups; first += AT_ONCE) {
        int count = t.groups - first < AT_ONCE ? t.groups - first : AT_ONCE;
        EACH(work, count * PARTS) {
            int g = first + work / PARTS;
            double used = 0.0, slope = 0.0;
            for (Long r = t.rows_ptr[g] + work % PARTS; r < t.rows_ptr[g + 1]; r += PARTS) {
                int f = t.rows[r];
                double inside = t.inside[t.segment_of[r]];
                used += t.weight[r] * FV(QUANTITY)[f];
                slope += t.weight[r] * (p.sigma * FV(QUANTITY)[f] * FV(PASSED)[f]
                                        - (p.sigma - p.eta) * FV(MOVING)[f] * inside);
            }
            p.part[work] = used;
            p.part[count * PARTS + work] = slope;
        }
        fold(p.part, 2 * count, 0);
        EACH(g, count) limit(p, t, first + g, p.part[g * PARTS], p.part[(count + g) * PARTS]);
        __syncthreads();
    }
}

// Price and quantity of one treated flow at the levels found, and how they answer to its exporter.
static __device__ void buy(const Product &p, const Item &t, int f)
{
    int j = t.to[f], held = 0;
    double price = FV(LOW)[f], passed = FV(PASSED)[f], quantity;
    if (t.log_quota[f] < INF) {
        price = at_level(p, t, f, MV(LEVEL)[j], &held);
        if (held) passed = 0.0;
        else if (price > FV(LOW)[f]) passed = FV(OVER)[f];
    }
    quantity = held ? exp(t.log_quota[f]) : MV(DEMAND)[j] * exp(-p.sigma * price);
    FV(QUANTITY)[f] = quantity;
    FV(MOVING)[f] = held ? 0.0 : quantity;
    FV(PASSED)[f] = passed;
    if (t.groups_ptr[f] == t.groups_ptr[f + 1]) return;
    FV(PULL)[f] = passed * FV(SHARE)[f] * spent(p, price_power(p, price)) / spent(p, MV(TOTAL)[j]);
}

// Prices, quantities, steps and residuals at Z; returns the largest |residual|. Not inlined: it is
// long, called from three places, and a call costs nothing beside it.
static __device__ __noinline__ double sweep_treated(const Product &p, const Item &t)
{
    EACH(i, p.nx) XV(VALUE)[i] = price_power(p, XV(Z)[i]);
    EACH(f, t.flows) {
        double price = before(p, t, f);
        FV(LOW)[f] = delivered(p, t, f, price, FV(PASSED) + f);
        FV(HIGH)[f] = INF;
        if (t.beyond[f] < INF)
            FV(HIGH)[f] = delivered(p, t, f, price + t.beyond[f], FV(OVER) + f);
    }
    __syncthreads();
    EACH(work, p.nm * LANES) {
        int j = work / LANES, lane = work % LANES;
        double total = 0.0;
        int stop = row_start(p, p.by_importer, j + 1);
        for (int g = row_start(p, p.by_importer, j) + lane; g < stop; g += LANES)
            total += p.a[g] * XV(VALUE)[p.from[g]];
        stop = (int)(t.by_importer[j + 1] - t.first);
        for (int g = (int)(t.by_importer[j] - t.first) + lane; g < stop; g += LANES) {
            int f = t.turned[g];
            if (t.log_quota[f] == INF) total += FV(SHARE)[f] * price_power(p, FV(LOW)[f]);
        }
        p.part[slot(j, lane)] = total;
    }
    __syncthreads();
    EACH(j, p.nm) MV(TOTAL)[j] = MV(CONSTANT)[j] + row_sum(p.part, j);
    __syncthreads();
    find_levels(p, t);
    EACH(j, p.nm) importer(p, j, MV(TOTAL)[j]);
    __syncthreads();
    EACH(f, t.flows) buy(p, t, f);
    EACH(work, p.nx * LANES) {
        int i = work / LANES, lane = work % LANES;
        double total = 0.0;
        int stop = row_start(p, p.by_exporter, i + 1);
        for (int f = row_start(p, p.by_exporter, i) + lane; f < stop; f += LANES)
            total += p.b[f] * MV(DEMAND)[p.to[f]];
        p.part[slot(i, lane)] = total;
    }
    __syncthreads();
    EACH(i, p.nx) XV(VALUE)[i] = row_sum(p.part, i);
    __syncthreads();
    EACH(work, p.nx * LANES) {
        int i = work / LANES, lane = work % LANES;
        double total = 0.0, deaf = 0.0;
        int stop = (int)(t.by_exporter[i + 1] - t.first);
        for (int f = (int)(t.by_exporter[i] - t.first) + lane; f < stop; f += LANES) {
            double sales = p.sales_share[t.flow[f]] * FV(QUANTITY)[f];
            total += sales;
            deaf += sales * (1.0 - FV(PASSED)[f]);
        }
        p.part[slot(i, lane)] = total;
        p.part[slot(p.nx + i, lane)] = deaf;
    }
    __syncthreads();
    EACH(i, p.nx) {
        double sales = log(XV(VALUE)[i]) - p.sigma * XV(Z)[i];
        sales = log_sum(sales, log(row_sum(p.part, i)));
        clear(p, t, i, sales, exp(log(row_sum(p.part, p.nx + i)) - sales));
    }
    __syncthreads();
    use_groups(p, t);
    EACH(work, PARTS) {
        double most = 0.0;
        for (int u = work; u < p.unknowns; u += PARTS) most = worse(most, fabs(XV(RESIDUAL)[u]));
        for (int n = work; n < t.limited; n += PARTS)
            most = worse(most, fabs(MV(GAP)[t.limited_row[n]]));
        p.part[work] = most;
    }
    fold(p.part, 1, 1);
    double worst = p.part[0];
    __syncthreads();
    return worst;
}

// What `iterate` moves under instruments: producer prices, then premiums of groups.
struct PricesAndPremiums {
    const Item &t;
    __device__ void keep_within_limits(const Product &p) const
    {
        EACH(i, p.nx) if (!(p.flag_i[i] & IS_FREE)) XV(Z)[i] = larger(XV(Z)[i], XV(SHIFT_I)[i]);
        EACH(g, t.groups) {
            double premium = larger(0.0, XV(Z)[p.nx + g]);
            XV(Z)[p.nx + g] = smaller(premium, t.largest_premium[g]);
        }
        __syncthreads();
    }
    // Steps are divided by elasticities that change: the residual says better how far they are.
    __device__ void evaluate(const Product &p, double *worst, double *length) const
    {
        *worst = *length = sweep_treated(p, t);
    }
};

// Whether an instrument changes a price or a quantity, after a sweep without premiums.
static __device__ int is_active(const Product &p, const Item &t)
{
    EACH(work, PARTS) {
        double active = 0.0;
        int held;
        for (int f = work; f < t.flows; f += PARTS) {
            double low = FV(LOW)[f];
            if (low != before(p, t, f)) active = 1.0;
            if (t.log_quota[f] < INF && at_level(p, t, f, MV(LEVEL)[t.to[f]], &held) > low)
                active = 1.0;
        }
        for (int i = work; t.strike && i < p.nx; i += PARTS) {
            double x = XV(Z)[i] - XV(SHIFT_I)[i], slope;
            if (!(p.flag_i[i] & IS_FREE)) continue;
            if (supplied(p, t, i, x, &slope) != p.log_supply[i] + p.epsilon[i] * x) active = 1.0;
        }
        p.part[work] = active;
    }
    fold(p.part, 1, 1);
    int active = p.part[0] > 0.0;
    __syncthreads();
    return active;
}

// Take the treated flows out of the weights; start from the answer without instruments.
static __device__ void start(const Product &p, const Item &t, const double *log_price)
{
    EACH(f, t.flows) {
        int own = t.flow[f], j = t.to[f];
        FV(REST)[f] = p.log_cost[own] - MV(SHIFT_J)[j] - XV(SHIFT_I)[t.source[f]];
        FV(SHARE)[f] = p.share[own] / MV(KEPT)[j];
        p.a[t.place[f]] = p.b[own] = 0.0;
    }
    EACH(i, p.nx) {
        XV(Z)[i] = p.flag_i[i] & HAS_MARKET ? log_price[i] + XV(SHIFT_I)[i] : XV(SHIFT_I)[i];
        XV(SLOPE)[i] = 1.0;
    }
    EACH(g, t.groups) {
        XV(Z)[p.nx + g] = 0.0;
        XV(SLOPE)[p.nx + g] = 1.0;
    }
    EACH(n, t.limited) MV(LEVEL)[t.limited_row[n]] = MV(OFFSET)[t.limited_row[n]];
    __syncthreads();
    if (p.mode == POWER) return;
    // What the treated flows had in the constants leaves them, too.
    EACH(work, p.nm * LANES) {
        int j = work / LANES, lane = work % LANES;
        double constant = 0.0;
        int stop = row_start(p, p.by_importer, j + 1);
        for (int g = row_start(p, p.by_importer, j) + lane; g < stop; g += LANES) {
            if (p.a[g] == 0.0) continue;
            int f = p.turned[g];
            double rest = p.log_cost[f] - MV(SHIFT_J)[j] - XV(SHIFT_I)[p.from[g]];
            constant += p.share[f] / MV(KEPT)[j] * price_power(p, rest);
        }
        p.part[slot(j, lane)] = constant;
    }
    __syncthreads();
    EACH(j, p.nm) MV(CONSTANT)[j] = row_sum(p.part, j);
    __syncthreads();
}

static __device__ void point(const Treated &all, Item &t, Product &p, int item)
{
    Long x0 = all.exporter_row[item], m0 = all.importer_row[item], supply = all.supply_row[item];
    Long limited = all.limited_ptr[item], group = all.group_ptr[item];
    Long segment = all.segments_ptr[item];
    t.groups = (int)(all.group_ptr[item + 1] - group);
    t.limited = (int)(all.limited_ptr[item + 1] - limited);
    t.segments = (int)(all.segments_ptr[item + 1] - segment);
    t.by_exporter = all.by_exporter + x0;
    t.by_importer = all.by_importer + m0;
    t.first = t.by_exporter[0];
    t.flows = (int)(t.by_exporter[p.nx] - t.first);
    t.limited_row = all.limited + limited;
    t.limited_start = all.limited_start + limited;
    t.turned = all.turned + t.first;
    t.flow = all.flow + t.first;
    t.place = all.place + t.first;
    t.source = all.source + t.first;
    t.to = all.to + t.first;
    t.log_specific = all.log_specific + t.first;
    t.log_floor = all.log_floor + t.first;
    t.dispersion = all.dispersion + t.first;
    t.log_quota = all.log_quota + t.first;
    t.beyond = all.beyond + t.first;
    t.groups_ptr = all.groups_ptr + t.first;
    t.member = all.groups;
    t.rows_ptr = all.rows_ptr + group;
    t.rows = all.rows;
    t.segment_of = all.segment_of;
    t.segment_rows = all.segment_rows + segment;
    t.weight = all.weight;
    t.log_limit = all.log_limit + group;
    t.largest_premium = all.largest_premium + group;
    t.log_shadow = all.log_shadow + group;
    t.log_capacity = supply < 0 ? 0 : all.log_capacity + supply;
    t.strike = supply < 0 ? 0 : all.strike + supply;
    t.covered = supply < 0 ? 0 : all.covered + supply;
    t.upside = supply < 0 ? 0 : all.upside + supply;
}

static __device__ void solve_treated(
    const Job &job, const Treated &all, Product &p, int item, double *memory)
{
    int k = all.product[item];
    Long s = all.scenario[item], row = s * job.all_products + k;
    if (job.status[row] != CONVERGED) return;  // `left` says so
    double *log_price = job.log_price + s * job.exporters + job.exporter_ptr[k];
    double *log_index = job.log_index + s * job.importers + job.importer_ptr[k];
    Item t;
    load(job, p, k, s);
    point(all, t, p, item);
    p.unknowns = p.nx + t.groups;
    int rows = 2 * (p.nx > p.nm ? p.nx : p.nm);
    t.f = cut(job, p, memory, TREATED_IMPORTER_VECTORS, rows * LANES);
    t.inside = t.f + FLOW_VECTORS * t.flows;

    double modulus;
    prepare(p, &modulus);
    t.steepest = modulus >= 1.0 ? larger(p.sigma, p.eta) : p.sigma;
    start(p, t, log_price);
    double worst = sweep_treated(p, t);
    int done = worst <= NEGLIGIBLE * job.tolerance && !is_active(p, t);
    if (!done) {
        PricesAndPremiums unknowns = {t};
        Long iterations = 0;
        done = iterate(p, unknowns, job.tolerance, job.max_steps, &iterations, &worst);
        EACH(one, 1) job.iterations[row + one] += iterations;
        if (done) {
            EACH(i, p.nx)
                log_price[i] = p.flag_i[i] & HAS_MARKET ? XV(Z)[i] - XV(SHIFT_I)[i] : INF - INF;
            EACH(j, p.nm) log_index[j] = p.flag_j[j] & SERVED ? MV(INDEX)[j] : INF - INF;
            EACH(g, t.groups) t.log_shadow[g] = XV(Z)[p.nx + g];
            EACH(one, 1) {
                job.residual[row + one] = worst;
                job.error_bound[row] = INF - INF;
            }
        }
    }
    EACH(one, 1) all.left[item + one] = !done;
    __syncthreads();
}

// One work item is a product under a scenario; a block takes every gridDim.x-th of those listed.
extern "C" __global__ void __launch_bounds__(MAX_THREADS)
armington_treated(const Job *given, const Treated *treated)
{
    SHARED_DOUBLES(shared);
    const Job &job = *given;
    double *memory = job.vectors_stride ? job.vectors + blockIdx.x * job.vectors_stride : shared;
    for (Long item = blockIdx.x; item < treated->listed; item += gridDim.x) {
        Product p;
        solve_treated(job, *treated, p, treated->items[item], memory);
    }
}
