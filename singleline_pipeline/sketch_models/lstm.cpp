// One step of an LSTM, forwards and backwards, with or without layer norm: all that is not a matrix product.
//
// The equations are those at the top of lstm.py. One pass over a row of the batch stays in the first-level cache,
// where a tensor operation for each term would go through memory twenty times. Rows are taken in order by one thread,
// so the sums are the same each time.

#include "numbers.hpp"

namespace {

constexpr float kEpsilon = 1e-5f;

inline float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }
inline float tanh_(float x) { return 2.0f * sigmoid(2.0f * x) - 1.0f; }

struct Moments {
    float mean, reciprocal;
};

inline Moments moments(const float *x, int64_t n) {
    float sum = 0;
    for (int64_t j = 0; j < n; ++j) sum += x[j];
    const float mean = sum / n;
    float square = 0;
    for (int64_t j = 0; j < n; ++j) square += (x[j] - mean) * (x[j] - mean);
    return {mean, 1.0f / std::sqrt(square / n + kEpsilon)};
}

}  // namespace

extern "C" {

// Shapes: d directions, b drawings, h units; (d, b, 4, h) has the gates in the order i, f, g, o.
// Step t of a sequence of (time, ...) arrays is found by the caller; pointers are to that step.
struct Step {
    int64_t directions, batch, hidden, layer_norm;
    const float *gain, *bias;            // (d, 4, h)
    const float *cell_gain, *cell_bias;  // (d, h)
    float *grad_gain, *grad_bias, *grad_cell_gain, *grad_cell_bias;
    const void *projected;  // (time, d, b, 4, h)
    const float *keep;      // (time, d, b, h) or null
    float *normal;          // (time, d, b, 4, h), the normalised sums; with layer norm only
    float *reciprocal;      // (time, d, b, 4)
    float *gates;           // (time, d, b, 4, h) after their nonlinearities
    float *cells;           // (time + 1, d, b, h)
    float *cell_moments;    // (time, d, b, 2)
    float *squashed;        // (time, d, b, h), tanh of the (normalised) cell
    float *hiddens;         // (time + 1, d, b, h)
    void *carried;          // (time + 1, d, b, h), the same in the products' type
    const void *recurrent;  // (d, b, 4, h), hidden state times weights; on the way back (d, b, h)
    const float *grad_hidden;  // (time, d, b, h)
    float *grad_cell;          // (d, b, h), from the step after; for the step before when it returns
    void *grad_pre;            // (time, d, b, 4, h)
    float *scratch;            // (5, h)
};
}

template <typename T>
static void forward(const Step *s, int64_t t) {
    const int64_t h = s->hidden, rows = s->directions * s->batch;
    for (int64_t row = 0; row < rows; ++row) {
        const int64_t d = row / s->batch, at = t * rows + row;
        const T *projected = static_cast<const T *>(s->projected) + at * 4 * h;
        const T *recurrent = static_cast<const T *>(s->recurrent) + row * 4 * h;
        float *gates = s->gates + at * 4 * h;
        for (int64_t k = 0; k < 4; ++k) {
            float *gate = gates + k * h;
            const T *x = projected + k * h, *y = recurrent + k * h;
            if (s->layer_norm) {
                float *normal = s->normal + (at * 4 + k) * h;
                const float *gain = s->gain + (d * 4 + k) * h, *bias = s->bias + (d * 4 + k) * h;
                for (int64_t j = 0; j < h; ++j) normal[j] = widen(x[j]) + widen(y[j]);
                const Moments m = moments(normal, h);
                s->reciprocal[at * 4 + k] = m.reciprocal;
                for (int64_t j = 0; j < h; ++j) {
                    normal[j] = (normal[j] - m.mean) * m.reciprocal;
                    gate[j] = normal[j] * gain[j] + bias[j];
                }
            } else {
                for (int64_t j = 0; j < h; ++j) gate[j] = widen(x[j]) + widen(y[j]);
            }
            if (k == 2)
                for (int64_t j = 0; j < h; ++j) gate[j] = tanh_(gate[j]);
            else
                for (int64_t j = 0; j < h; ++j) gate[j] = sigmoid(gate[j]);
        }
        const float *i = gates, *f = gates + h, *g = gates + 2 * h, *o = gates + 3 * h;
        const float *before = s->cells + at * h;
        const float *keep = s->keep ? s->keep + at * h : nullptr;
        float *cell = s->cells + (at + rows) * h, *squashed = s->squashed + at * h;
        float *hidden = s->hiddens + (at + rows) * h;
        T *carried = static_cast<T *>(s->carried) + (at + rows) * h;
        if (keep)
            for (int64_t j = 0; j < h; ++j) cell[j] = f[j] * before[j] + i[j] * g[j] * keep[j];
        else
            for (int64_t j = 0; j < h; ++j) cell[j] = f[j] * before[j] + i[j] * g[j];
        if (s->layer_norm) {
            const float *gain = s->cell_gain + d * h, *bias = s->cell_bias + d * h;
            const Moments m = moments(cell, h);
            s->cell_moments[at * 2] = m.mean;
            s->cell_moments[at * 2 + 1] = m.reciprocal;
            for (int64_t j = 0; j < h; ++j)
                squashed[j] = tanh_((cell[j] - m.mean) * m.reciprocal * gain[j] + bias[j]);
        } else {
            for (int64_t j = 0; j < h; ++j) squashed[j] = tanh_(cell[j]);
        }
        for (int64_t j = 0; j < h; ++j) {
            hidden[j] = o[j] * squashed[j];
            narrow(hidden[j], carried + j);
        }
    }
}

// Gradient of layer norm over its input, in place: x is the normalised input, g the gradient of what it became.
static inline void through_norm(float *g, const float *x, float reciprocal, int64_t n) {
    float sum = 0, dot = 0;
    for (int64_t j = 0; j < n; ++j) {
        sum += g[j];
        dot += g[j] * x[j];
    }
    sum /= n;
    dot /= n;
    for (int64_t j = 0; j < n; ++j) g[j] = (g[j] - sum - x[j] * dot) * reciprocal;
}

template <typename T>
static void backward(const Step *s, int64_t t) {
    const int64_t h = s->hidden, rows = s->directions * s->batch;
    float *through = s->scratch, *normal_cell = s->scratch + h;
    for (int64_t row = 0; row < rows; ++row) {
        const int64_t d = row / s->batch, at = t * rows + row;
        const float *gates = s->gates + at * 4 * h;
        const float *i = gates, *f = gates + h, *g = gates + 2 * h, *o = gates + 3 * h;
        const float *squashed = s->squashed + at * h, *before = s->cells + at * h;
        const float *grad_hidden = s->grad_hidden + at * h;
        const T *from_after = static_cast<const T *>(s->recurrent) + row * h;
        const float *keep = s->keep ? s->keep + at * h : nullptr;
        float *grad_cell = s->grad_cell + row * h;
        T *grad_pre = static_cast<T *>(s->grad_pre) + at * 4 * h;
        float *slope = s->scratch + 2 * h;  // of one gate
        float *total = s->scratch + 3 * h;  // gradient of the hidden state
        for (int64_t j = 0; j < h; ++j) {
            total[j] = grad_hidden[j] + widen(from_after[j]);
            through[j] = total[j] * o[j] * (1.0f - squashed[j] * squashed[j]);
        }
        if (s->layer_norm) {
            const float *cell = s->cells + (at + rows) * h, *gain = s->cell_gain + d * h;
            float *grad_gain = s->grad_cell_gain + d * h, *grad_bias = s->grad_cell_bias + d * h;
            const float mean = s->cell_moments[at * 2], reciprocal = s->cell_moments[at * 2 + 1];
            for (int64_t j = 0; j < h; ++j) {
                normal_cell[j] = (cell[j] - mean) * reciprocal;
                grad_gain[j] += through[j] * normal_cell[j];
                grad_bias[j] += through[j];
                through[j] *= gain[j];
            }
            through_norm(through, normal_cell, reciprocal, h);
        }
        for (int64_t j = 0; j < h; ++j) grad_cell[j] += through[j];
        for (int64_t k = 0; k < 4; ++k) {
            if (k == 0) {
                for (int64_t j = 0; j < h; ++j) slope[j] = grad_cell[j] * g[j] * i[j] * (1.0f - i[j]);
            } else if (k == 1) {
                for (int64_t j = 0; j < h; ++j) slope[j] = grad_cell[j] * before[j] * f[j] * (1.0f - f[j]);
            } else if (k == 2) {
                for (int64_t j = 0; j < h; ++j) slope[j] = grad_cell[j] * i[j] * (1.0f - g[j] * g[j]);
            } else {
                for (int64_t j = 0; j < h; ++j) slope[j] = total[j] * squashed[j] * o[j] * (1.0f - o[j]);
            }
            if (keep && (k == 0 || k == 2))
                for (int64_t j = 0; j < h; ++j) slope[j] *= keep[j];
            if (s->layer_norm) {
                const float *normal = s->normal + (at * 4 + k) * h, *gain = s->gain + (d * 4 + k) * h;
                float *grad_gain = s->grad_gain + (d * 4 + k) * h, *grad_bias = s->grad_bias + (d * 4 + k) * h;
                for (int64_t j = 0; j < h; ++j) {
                    grad_gain[j] += slope[j] * normal[j];
                    grad_bias[j] += slope[j];
                    slope[j] *= gain[j];
                }
                through_norm(slope, normal, s->reciprocal[at * 4 + k], h);
            }
            for (int64_t j = 0; j < h; ++j) narrow(slope[j], grad_pre + k * h + j);
        }
        for (int64_t j = 0; j < h; ++j) grad_cell[j] *= f[j];
    }
}

extern "C" {
void lstm_forward_float32(const Step *s, int64_t t) { forward<float>(s, t); }
void lstm_forward_bfloat16(const Step *s, int64_t t) { forward<BFloat16>(s, t); }
void lstm_backward_float32(const Step *s, int64_t t) { backward<float>(s, t); }
void lstm_backward_bfloat16(const Step *s, int64_t t) { backward<BFloat16>(s, t); }
}
