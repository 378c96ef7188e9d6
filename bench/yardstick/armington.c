/* A yardstick for the CPU kernel: the plain version of the same algorithm, by hand.
 *
 * One product at a time: dense blocks of its active exporters and importers, whole matrix-vector
 * products, exponentials and logarithms that the compiler vectorises, Anderson acceleration of
 * depth 5 by modified Gram-Schmidt. No exclusions, no nest, no infinite supply, no checks, no
 * error bound, no safeguards: everything that the package's kernel does on top costs this one
 * nothing. Log costs come ready.
 */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 5
#define ALIGN 64

static double *take(size_t n) {
    void *p = NULL;
    if (posix_memalign(&p, ALIGN, (n + 8) * sizeof(double))) abort();
    return p;
}

typedef struct {
    double *a, *b, *x, *u, *total, *demand, *index, *excess, *slope;
    double *dx, *df, *q, *step, *last, *last_step, *out;
} Work;

/* Gram-Schmidt on past differences, latest first; subtract what they explain. */
static void accelerate(int n, int held, int slot, Work *w) {
    double r[DEPTH][DEPTH], weight[DEPTH];
    int chosen[DEPTH], m = 0;
    for (int age = 1; age <= held; age++) {
        int h = (slot - age + 2 * DEPTH) % DEPTH;
        double *restrict col = w->q + (size_t)m * n;
        const double *restrict df = w->df + (size_t)h * n, *restrict step = w->step;
        double size = 0, left = 0, along = 0;
        for (int i = 0; i < n; i++) { col[i] = df[i]; size += df[i] * df[i]; }
        for (int p = 0; p < m; p++) {
            const double *restrict qp = w->q + (size_t)p * n;
            double inner = 0;
            for (int i = 0; i < n; i++) inner += qp[i] * col[i];
            r[p][m] = inner;
            for (int i = 0; i < n; i++) col[i] -= inner * qp[i];
        }
        for (int i = 0; i < n; i++) { left += col[i] * col[i]; along += col[i] * step[i]; }
        if (left <= 1e-16 * size) continue;
        double length = sqrt(left), inverse = 1 / length;
        for (int i = 0; i < n; i++) col[i] *= inverse;
        r[m][m] = length;
        weight[m] = along * inverse;
        chosen[m++] = h;
    }
    for (int p = m - 1; p >= 0; p--) {
        for (int c = p + 1; c < m; c++) weight[p] -= r[p][c] * weight[c];
        weight[p] /= r[p][p];
        const double *restrict dx = w->dx + (size_t)chosen[p] * n;
        const double *restrict df = w->df + (size_t)chosen[p] * n;
        double *restrict x = w->x, v = weight[p];
        for (int i = 0; i < n; i++) x[i] -= v * (dx[i] + df[i]);
    }
}

static int one_product(int nx, int nm, int ld, double sigma, double eta, const double *epsilon,
                       double tolerance, int max_steps, Work *w, double *worst) {
    double *restrict x = w->x, *restrict u = w->u, *restrict total = w->total;
    double *restrict demand = w->demand, *restrict index = w->index;
    double *restrict excess = w->excess, *restrict slope = w->slope;
    double *restrict step = w->step, *restrict last = w->last, *restrict last_step = w->last_step;
    double power = 1 - sigma, inverse = 1 / power, tilt = sigma - eta;
    int held = 0, slot = 0, steps = 0;
    for (int i = 0; i < nx; i++) { x[i] = 0; slope[i] = epsilon[i] + sigma; }
    for (;;) {
        for (int i = 0; i < nx; i++) u[i] = exp(power * x[i]);
        memset(total, 0, sizeof(double) * ld);
        for (int i = 0; i < nx; i++) {
            const double *restrict row = w->a + (size_t)i * ld;
            double v = u[i];
            for (int j = 0; j < nm; j++) total[j] += row[j] * v;
        }
        for (int j = 0; j < nm; j++) index[j] = log(total[j]) * inverse;
        for (int j = 0; j < nm; j++) demand[j] = exp(tilt * index[j]);
        for (int i = 0; i < nx; i++) {
            const double *restrict row = w->b + (size_t)i * ld;
            double sum = 0;
            for (int j = 0; j < nm; j++) sum += row[j] * demand[j];
            excess[i] = sum;
        }
        double most = 0;
        for (int i = 0; i < nx; i++) excess[i] = log(excess[i]) - slope[i] * x[i];
        for (int i = 0; i < nx; i++) most = fmax(most, fabs(excess[i]));
        steps++;
        *worst = most;
        if (most <= tolerance || steps == max_steps) return steps;
        for (int i = 0; i < nx; i++) step[i] = excess[i] / slope[i];
        if (steps > 1) {
            double *restrict dx = w->dx + (size_t)slot * nx, *restrict df = w->df + (size_t)slot * nx;
            for (int i = 0; i < nx; i++) { dx[i] = x[i] - last[i]; df[i] = step[i] - last_step[i]; }
            slot = (slot + 1) % DEPTH;
            if (held < DEPTH) held++;
        }
        for (int i = 0; i < nx; i++) { last[i] = x[i]; last_step[i] = step[i]; x[i] += step[i]; }
        if (held) accelerate(nx, held, slot, w);
    }
}

/* Every product; `longest` is the number of exporters and importers of the largest one. */
void yardstick(int64_t products, const int64_t *flow_ptr, const int64_t *exporter_ptr,
               const int64_t *importer_ptr, const int64_t *flow_exporter,
               const int64_t *flow_importer, const double *share, const double *sales_share,
               const double *log_cost, const double *sigma, const double *eta,
               const double *epsilon, double tolerance, int64_t max_steps, int64_t longest,
               double *log_price, double *log_index, double *residual, int64_t *iterations) {
#pragma omp parallel
    {
        size_t n = (size_t)longest + 8;
        double *block = take(2 * n * n + (3 * DEPTH + 20) * n), *next = block + 2 * n * n;
        Work w;
        w.a = block;
        w.b = block + n * n;
        double **vectors[] = {&w.x, &w.u, &w.total, &w.demand, &w.index, &w.excess,
                              &w.slope, &w.step, &w.last, &w.last_step, &w.out};
        for (size_t v = 0; v < sizeof vectors / sizeof *vectors; v++, next += n) *vectors[v] = next;
        w.dx = next;
        w.df = w.dx + DEPTH * n;
        w.q = w.df + DEPTH * n;
#pragma omp for schedule(dynamic, 8)
        for (int64_t k = 0; k < products; k++) {
            int64_t x0 = exporter_ptr[k], j0 = importer_ptr[k];
            int nx = (int)(exporter_ptr[k + 1] - x0), nm = (int)(importer_ptr[k + 1] - j0);
            int ld = (nm + 7) / 8 * 8;
            if (nx == 0) continue;
            memset(w.a, 0, sizeof(double) * nx * ld);
            memset(w.b, 0, sizeof(double) * nx * ld);
            for (int64_t f = flow_ptr[k]; f < flow_ptr[k + 1]; f++) {
                size_t at = (size_t)(flow_exporter[f] - x0) * ld + (flow_importer[f] - j0);
                double c = log_cost[f], a = share[f], b = sales_share[f];
                if (c != 0) { a *= exp((1 - sigma[k]) * c); b *= exp(-sigma[k] * c); }
                w.a[at] = a;
                w.b[at] = b;
            }
            iterations[k] = one_product(nx, nm, ld, sigma[k], eta[k], epsilon + x0, tolerance,
                                        (int)max_steps, &w, residual + k);
            memcpy(log_price + x0, w.x, sizeof(double) * nx);
            memcpy(log_index + j0, w.index, sizeof(double) * nm);
        }
        free(block);
    }
}
