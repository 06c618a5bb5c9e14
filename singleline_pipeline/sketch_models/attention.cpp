// Scaled dot-product attention (Vaswani et al. 2017, eq. 1) in bfloat16: of whole drawings to themselves, forwards and
// backwards, and of one query to what a decoder has kept.
//
// A head here is 16 to 64 channels wide: so thin that its scores, and not the products, are what memory would be busy
// with. They are made, used and forgotten in tiles that stay in the first-level cache, and made again on the way back
// from the sums that the softmax divided by (Dao et al. 2022). Products add up in float32. Heads share nothing: each is
// one thread's from its first row to its last, so the sums are the same each time, however many threads there are.

#include "numbers.hpp"

#include <algorithm>
#include <system_error>
#include <thread>
#include <vector>

#ifdef __AVX512BF16__

#include <immintrin.h>

namespace {

constexpr int64_t kLanes = 16;
constexpr int64_t kRows = 8;           // queries of a tile
constexpr int64_t kKeys = 2 * kLanes;  // keys of a tile: 16 registers of scores, and half of the registers are left
constexpr float kLog2E = 1.44269504f;

typedef float Lanes __attribute__((vector_size(4 * kLanes)));
typedef uint32_t Pairs __attribute__((vector_size(4 * kLanes)));  // of bfloat16, the first in the lower half
typedef int32_t Integers __attribute__((vector_size(4 * kLanes)));
typedef uint16_t Halves __attribute__((vector_size(2 * kLanes)));  // bfloat16

inline Lanes everywhere(float x) { return Lanes{} + x; }
inline Pairs everywhere(uint32_t x) { return Pairs{} + x; }

template <typename Vector>
inline Vector load(const void *from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
}
template <typename Vector>
inline void store(void *to, Vector vector) {
    std::memcpy(to, &vector, sizeof vector);
}

// sum + the two products of each lane's pairs
inline Lanes add_products(Lanes sum, Pairs a, Pairs b) {
    return (Lanes)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}
inline Halves narrowed(Lanes x) { return (Halves)_mm512_cvtneps_pbh((__m512)x); }
inline Pairs paired(Lanes first, Lanes second) {
    constexpr Integers kInterleaved = {
        0x100000, 0x110001, 0x120002, 0x130003, 0x140004, 0x150005, 0x160006, 0x170007,
        0x180008, 0x190009, 0x1a000a, 0x1b000b, 0x1c000c, 0x1d000d, 0x1e000e, 0x1f000f,
    };
    const __m512bh both = _mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
    return (Pairs)_mm512_permutexvar_epi16((__m512i)kInterleaved, (__m512i)both);
}

// 2^x for x <= 0, to 4e-5 of itself: bfloat16 holds it to 4e-3. (Taylor's polynomial in what x is off a whole number.)
// What lies above 0 does so by rounding: a score made twice, of a training that goes astray, differs by more than 1.
inline Lanes power_of_two(Lanes x) {
    x = x < -126.0f ? everywhere(-126.0f) : x > 0.0f ? everywhere(0.0f) : x;
    const Integers whole = __builtin_convertvector(x - 0.5f, Integers);
    const Lanes r = x - __builtin_convertvector(whole, Lanes);
    Lanes p = everywhere(9.6181291e-3f);
    p = p * r + 5.5504109e-2f;
    p = p * r + 2.4022651e-1f;
    p = p * r + 6.9314718e-1f;
    p = p * r + 1.0f;
    return p * (Lanes)((whole + 127) << 23);
}

// The first `count` lanes as they are, the others something else.
inline Lanes first(Lanes x, int64_t count, float others) {
    constexpr Integers kOrder = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return kOrder < int32_t(count) ? x : everywhere(others);
}
inline Lanes larger(Lanes a, Lanes b) { return a > b ? a : b; }
inline float sum_of(Lanes x) {
    float sum = 0;
    for (int64_t j = 0; j < kLanes; ++j) sum += x[j];
    return sum;
}
inline float largest_of(Lanes x) {
    float largest = x[0];
    for (int64_t j = 1; j < kLanes; ++j) largest = x[j] > largest ? x[j] : largest;
    return largest;
}

inline int64_t up_to_tile(int64_t rows) { return (rows + kKeys - 1) / kKeys * kKeys; }

// One thread's memory, handed out anew for each head.
class Scratch {
  public:
    explicit Scratch(int64_t words) : memory_(words + kLanes) {
        const uintptr_t at = reinterpret_cast<uintptr_t>(memory_.data());
        begin_ = memory_.data() + (64 - at % 64) % 64 / 4;
        clear();
    }
    void clear() { next_ = begin_; }
    // Room for rows * columns words; rows are whole tiles, so that all of it lies at 64 bytes.
    template <typename T>
    T *take(int64_t rows, int64_t columns) {
        uint32_t *at = next_;
        next_ += rows * columns;
        return reinterpret_cast<T *>(at);
    }

  private:
    std::vector<uint32_t> memory_;
    uint32_t *begin_, *next_;
};

// Three orders for one head's rows of W channels, each zero after the last of `rows` and up to `room`.

// (room, W / 2): pairs of channels, a row after another.
template <int64_t W>
void by_row(uint32_t *to, const BFloat16 *from, int64_t stride, int64_t rows, int64_t room) {
    for (int64_t i = 0; i < rows; ++i) std::memcpy(to + i * (W / 2), from + i * stride, W * sizeof(BFloat16));
    std::memset(to + rows * (W / 2), 0, (room - rows) * W * sizeof(BFloat16));
}
// (W / 2, room): the same, a pair of channels after another.
template <int64_t W>
void by_channel(uint32_t *to, const uint32_t *by_row, int64_t room) {
    for (int64_t i = 0; i < room; ++i)
        for (int64_t c = 0; c < W / 2; ++c) to[c * room + i] = by_row[i * (W / 2) + c];
}
// (room / 2, W): pairs of rows.
template <int64_t W>
void by_two_rows(uint32_t *to, const uint32_t *by_row, int64_t room) {
    for (int64_t i = 0; i < room / 2; ++i) {
        const BFloat16 *one = reinterpret_cast<const BFloat16 *>(by_row + i * W), *other = one + W;
        for (int64_t c = 0; c < W; ++c) to[i * W + c] = one[c].bits | uint32_t(other[c].bits) << 16;
    }
}

// Dot products of kRows rows (by row) with kKeys columns (by channel).
template <int64_t W>
inline void dot_products(Lanes (&tile)[kRows][2], const uint32_t *rows, const uint32_t *columns, int64_t room) {
    for (auto &row : tile) row[0] = row[1] = Lanes{};
#pragma GCC unroll 32
    for (int64_t c = 0; c < W / 2; ++c) {
        const Pairs left = load<Pairs>(columns + c * room), right = load<Pairs>(columns + c * room + kLanes);
#pragma GCC unroll 8
        for (int64_t r = 0; r < kRows; ++r) {
            const Pairs row = everywhere(rows[r * (W / 2) + c]);
            tile[r][0] = add_products(tile[r][0], row, left);
            tile[r][1] = add_products(tile[r][1], row, right);
        }
    }
}

}  // namespace

extern "C" {
// The arrays of self-attention; b drawings, t rows, h heads, W channels a head. A causal row sees itself and those
// before it. With lengths, rows from a drawing's length on are padding: nothing reads them, and theirs is zero.
struct SelfAttention {
    int64_t drawings, rows, heads, width, causal, threads;
    const BFloat16 *joint;   // (b, t, 3, h, W): query, key, value
    const int64_t *lengths;  // (b,) or null
    BFloat16 *attended;      // (b, t, h, W)
    float *log_sums;         // (b, h, t): log2 of what the softmax divided by
    const BFloat16 *grad;    // (b, t, h, W); on the way back
    BFloat16 *grad_joint;    // (b, t, 3, h, W)
};
}

namespace {

// Where one head of one drawing lies.
struct Head {
    int64_t rows, room;      // real rows; the same in whole tiles
    int64_t inputs, stride;  // in joint: its query's first row, and the steps to the next row
    int64_t outputs, step;   // in attended
    int64_t sums;            // in log_sums

    Head(const SelfAttention &s, int64_t index) {
        const int64_t drawing = index / s.heads, head = index % s.heads;
        rows = s.lengths ? std::min(s.lengths[drawing], s.rows) : s.rows;
        room = up_to_tile(rows);
        step = s.heads * s.width;
        stride = 3 * step;
        inputs = drawing * s.rows * stride + head * s.width;
        outputs = drawing * s.rows * step + head * s.width;
        sums = index * s.rows;
    }
    // Keys that a row sees.
    int64_t seen(const SelfAttention &s, int64_t row) const { return s.causal ? std::min(rows, row + 1) : rows; }
};

template <int64_t W>
struct Forward {
    static int64_t words(int64_t room) { return room * (2 * W + kRows + kRows / 2); }

    static void run(const SelfAttention &s, int64_t index, Scratch &scratch) {
        constexpr int64_t V = W / kLanes;
        const Head at(s, index);
        uint32_t *rows = scratch.take<uint32_t>(at.room, W / 2), *queries = scratch.take<uint32_t>(at.room, W / 2);
        uint32_t *keys = scratch.take<uint32_t>(at.room, W / 2), *values = scratch.take<uint32_t>(at.room, W / 2);
        float *scores = scratch.take<float>(at.room, kRows);
        uint32_t *shares = scratch.take<uint32_t>(at.room, kRows / 2);  // (kRows, room / 2): pairs of keys
        const BFloat16 *joint = s.joint + at.inputs;
        by_row<W>(queries, joint, at.stride, at.rows, at.room);
        by_row<W>(rows, joint + at.step, at.stride, at.rows, at.room);
        by_channel<W>(keys, rows, at.room);
        by_row<W>(rows, joint + 2 * at.step, at.stride, at.rows, at.room);
        by_two_rows<W>(values, rows, at.room);
        const float scale = kLog2E / std::sqrt(float(W));
        for (int64_t row = 0; row < at.rows; row += kRows) {
            const int64_t end = up_to_tile(at.seen(s, row + kRows - 1));
            for (int64_t key = 0; key < end; key += kKeys) {
                Lanes tile[kRows][2];
                dot_products<W>(tile, queries + row * (W / 2), keys + key, at.room);
                for (int64_t r = 0; r < kRows; ++r)
                    for (int64_t j = 0; j < 2; ++j) store(scores + r * at.room + key + j * kLanes, tile[r][j]);
            }
            float totals[kRows];
            for (int64_t r = 0; r < kRows; ++r) {
                float *log_sum = row + r < at.rows ? s.log_sums + at.sums + row + r : nullptr;
                totals[r] = softmax(scores + r * at.room, at.seen(s, row + r), end, scale,
                                    reinterpret_cast<uint16_t *>(shares + r * (at.room / 2)), log_sum);
            }
            Lanes sums[kRows][V] = {};
            for (int64_t pair = 0; pair < end / 2; ++pair)
                for (int64_t v = 0; v < V; ++v) {
                    const Pairs value = load<Pairs>(values + pair * W + v * kLanes);
#pragma GCC unroll 8
                    for (int64_t r = 0; r < kRows; ++r)
                        sums[r][v] = add_products(sums[r][v], everywhere(shares[r * (at.room / 2) + pair]), value);
                }
            for (int64_t r = 0; r < kRows && row + r < at.rows; ++r)
                for (int64_t v = 0; v < V; ++v)
                    store(s.attended + at.outputs + (row + r) * at.step + v * kLanes,
                          narrowed(sums[r][v] / totals[r]));
        }
        for (int64_t row = at.rows; row < s.rows; ++row)
            std::memset(s.attended + at.outputs + row * at.step, 0, W * sizeof(BFloat16));
    }

    // Shares before the division, zero from `seen` to `end`; returns what to divide by.
    static float softmax(const float *scores, int64_t seen, int64_t end, float scale, uint16_t *shares,
                         float *log_sum) {
        const int64_t whole = seen / kLanes * kLanes, rest = seen - whole;
        Lanes largest = everywhere(-INFINITY);
        for (int64_t k = 0; k < whole; k += kLanes) largest = larger(load<Lanes>(scores + k), largest);
        if (rest) largest = larger(first(load<Lanes>(scores + whole), rest, -INFINITY), largest);
        const float top = largest_of(largest) * scale;
        Lanes sum{};
        for (int64_t k = 0; k < whole; k += kLanes) {
            const Lanes share = power_of_two(load<Lanes>(scores + k) * scale - top);
            sum += share;
            store(shares + k, narrowed(share));
        }
        if (rest) {
            const Lanes share = first(power_of_two(load<Lanes>(scores + whole) * scale - top), rest, 0);
            sum += share;
            store(shares + whole, narrowed(share));
        }
        const int64_t written = rest ? whole + kLanes : whole;
        std::memset(shares + written, 0, (end - written) * sizeof(uint16_t));
        const float total = sum_of(sum);
        if (log_sum) *log_sum = top + std::log2(total);
        return total;
    }
};

// With P the shares, A what was attended and G its gradient (Dao et al. 2022, appendix B.2):
//     dV = P^T G        dS = P (G V^T - sum(G A))        dQ = dS K / sqrt(W)        dK = dS^T Q / sqrt(W)
template <int64_t W>
struct Backward {
    static int64_t words(int64_t room) { return room * (7 * W + 2); }

    static void run(const SelfAttention &s, int64_t index, Scratch &scratch) {
        constexpr int64_t V = W / kLanes;
        const Head at(s, index);
        const auto take = [&] { return scratch.take<uint32_t>(at.room, W / 2); };
        uint32_t *query_rows = take(), *queries = take(), *grad_rows = take(), *grads = take();
        uint32_t *rows = take(), *keys = take(), *key_pairs = take(), *values = take();
        float *grad_query = scratch.take<float>(at.room, W);
        float *grad_key = scratch.take<float>(at.room, W), *grad_value = scratch.take<float>(at.room, W);
        float *log_sums = scratch.take<float>(at.room, 1), *offsets = scratch.take<float>(at.room, 1);
        const BFloat16 *joint = s.joint + at.inputs, *grad = s.grad + at.outputs;
        by_row<W>(query_rows, joint, at.stride, at.rows, at.room);
        by_two_rows<W>(queries, query_rows, at.room);
        by_row<W>(grad_rows, grad, at.step, at.rows, at.room);
        by_two_rows<W>(grads, grad_rows, at.room);
        by_row<W>(rows, joint + at.step, at.stride, at.rows, at.room);
        by_channel<W>(keys, rows, at.room);
        by_two_rows<W>(key_pairs, rows, at.room);
        by_row<W>(rows, joint + 2 * at.step, at.stride, at.rows, at.room);
        by_channel<W>(values, rows, at.room);
        std::memset(grad_query, 0, at.room * W * sizeof(float));
        for (int64_t i = 0; i < at.room; ++i) {  // after the last row G is zero, and so is all that comes of it
            log_sums[i] = i < at.rows ? s.log_sums[at.sums + i] : 0;
            offsets[i] = 0;
            if (i < at.rows)
                for (int64_t c = 0; c < W; ++c)
                    offsets[i] += widen(grad[i * at.step + c]) * widen(s.attended[at.outputs + i * at.step + c]);
        }
        const float scale = 1.0f / std::sqrt(float(W));
        for (int64_t key = 0; key < at.room; key += kKeys) {
            float *to_key = grad_key + key * W, *to_value = grad_value + key * W;
            std::memset(to_key, 0, kKeys * W * sizeof(float));
            std::memset(to_value, 0, kKeys * W * sizeof(float));
            for (int64_t row = s.causal ? key : 0; row < at.rows; row += kRows) {
                Lanes share[kRows][2], slope[kRows][2];
                dot_products<W>(share, query_rows + row * (W / 2), keys + key, at.room);
                dot_products<W>(slope, grad_rows + row * (W / 2), values + key, at.room);
                const bool all_seen = key + kKeys <= at.seen(s, row);
                for (int64_t r = 0; r < kRows; ++r)
                    for (int64_t j = 0; j < 2; ++j) {
                        share[r][j] = power_of_two(share[r][j] * (scale * kLog2E) - log_sums[row + r]);
                        if (!all_seen)
                            share[r][j] = first(share[r][j], at.seen(s, row + r) - key - j * kLanes, 0);
                        slope[r][j] = share[r][j] * (slope[r][j] - offsets[row + r]);
                    }
                alignas(64) uint32_t share_pairs[kRows / 2][kKeys], slope_pairs[kRows / 2][kKeys];  // of rows
                alignas(64) uint32_t slopes[kRows][kKeys / 2];                                      // pairs of keys
                for (int64_t r = 0; r < kRows; r += 2)
                    for (int64_t j = 0; j < 2; ++j) {
                        store(share_pairs[r / 2] + j * kLanes, paired(share[r][j], share[r + 1][j]));
                        store(slope_pairs[r / 2] + j * kLanes, paired(slope[r][j], slope[r + 1][j]));
                        store(slopes[r] + j * kLanes / 2, narrowed(slope[r][j]));
                        store(slopes[r + 1] + j * kLanes / 2, narrowed(slope[r + 1][j]));
                    }
                for (int64_t v = 0; v < V; ++v) {
                    const int64_t lanes = v * kLanes;
                    add_to_keys<W>(to_value + lanes, share_pairs, grads + row / 2 * W + lanes);
                    add_to_keys<W>(to_key + lanes, slope_pairs, queries + row / 2 * W + lanes);
                    Lanes sums[kRows];
                    for (int64_t r = 0; r < kRows; ++r) sums[r] = load<Lanes>(grad_query + (row + r) * W + lanes);
                    for (int64_t pair = 0; pair < kKeys / 2; ++pair) {
                        const Pairs two = load<Pairs>(key_pairs + (key / 2 + pair) * W + lanes);
#pragma GCC unroll 8
                        for (int64_t r = 0; r < kRows; ++r)
                            sums[r] = add_products(sums[r], everywhere(slopes[r][pair]), two);
                    }
                    for (int64_t r = 0; r < kRows; ++r) store(grad_query + (row + r) * W + lanes, sums[r]);
                }
            }
        }
        for (int64_t row = 0; row < s.rows; ++row)
            for (int64_t part = 0; part < 3; ++part) {
                BFloat16 *to = s.grad_joint + at.inputs + row * at.stride + part * at.step;
                const float *from = (part == 0 ? grad_query : part == 1 ? grad_key : grad_value) + row * W;
                for (int64_t v = 0; v < V; ++v) {
                    const Lanes sum = row < at.rows ? load<Lanes>(from + v * kLanes) : Lanes{};
                    store(to + v * kLanes, narrowed(part == 2 ? sum : sum * scale));
                }
            }
    }

    // sums (kKeys, W) of a tile's keys += weights (pairs of rows) times rows (by two rows), one register's channels
    template <int64_t Width>
    static inline void add_to_keys(float *sums, const uint32_t (&weights)[kRows / 2][kKeys], const uint32_t *rows) {
        Pairs held[kRows / 2];
        for (int64_t r = 0; r < kRows / 2; ++r) held[r] = load<Pairs>(rows + r * Width);
        for (int64_t k = 0; k < kKeys; ++k) {
            Lanes sum = load<Lanes>(sums + k * Width);
#pragma GCC unroll 8
            for (int64_t r = 0; r < kRows / 2; ++r) sum = add_products(sum, everywhere(weights[r][k]), held[r]);
            store(sums + k * Width, sum);
        }
    }
};

template <typename Pass>
void each_head(const SelfAttention &s) {
    const int64_t heads = s.drawings * s.heads, threads = std::max(int64_t(1), std::min(s.threads, heads));
    const auto work = [&](int64_t thread) {
        Scratch scratch(Pass::words(up_to_tile(s.rows)));
        for (int64_t i = heads * thread / threads; i < heads * (thread + 1) / threads; ++i) {
            scratch.clear();
            Pass::run(s, i, scratch);
        }
    };
    std::vector<std::thread> others;
    for (int64_t thread = 1; thread < threads; ++thread) {
        try {
            others.emplace_back(work, thread);
        } catch (const std::system_error &) {  // no thread to be had
            work(thread);
        }
    }
    work(0);
    for (std::thread &other : others) other.join();
}

template <template <int64_t> class Pass>
void with_width(const SelfAttention &s) {
    switch (s.width) {
        case 16: return each_head<Pass<16>>(s);
        case 32: return each_head<Pass<32>>(s);
        case 64: return each_head<Pass<64>>(s);
    }
}

}  // namespace

extern "C" {
int64_t self_attention_takes(int64_t width) { return width == 16 || width == 32 || width == 64; }
void self_attention_forward(const SelfAttention *s) { with_width<Forward>(*s); }
void self_attention_backward(const SelfAttention *s) { with_width<Backward>(*s); }
}

#else  // Nothing is gained where the processor has no products of bfloat16.

extern "C" int64_t self_attention_takes(int64_t) { return 0; }

#endif

namespace {

// Width is W, or where that is 0 `width`: what is known when it is compiled stays in registers.
template <int64_t W>
void attend_next(const float *joint, BFloat16 *keys, BFloat16 *values, float *attended, float *scores,
                 const int64_t *slot, int64_t drawings, int64_t heads, int64_t room, int64_t before, int64_t width) {
    const int64_t w = W ? W : width, rows = before + 1;
    const float scale = 1.0f / std::sqrt(float(w));
    for (int64_t pair = 0; pair < drawings * heads; ++pair) {
        const int64_t drawing = pair / heads, head = pair % heads;
        const float *query = joint + (drawing * 3 * heads + head) * w;
        BFloat16 *key = keys + (slot[drawing] * heads + head) * room * w;
        BFloat16 *value = values + (slot[drawing] * heads + head) * room * w;
        for (int64_t c = 0; c < w; ++c) {
            narrow(query[heads * w + c], key + before * w + c);
            narrow(query[2 * heads * w + c], value + before * w + c);
        }
        float largest = -INFINITY;
        for (int64_t row = 0; row < rows; ++row) {
            float dot = 0;
            for (int64_t c = 0; c < w; ++c) dot += query[c] * widen(key[row * w + c]);
            scores[row] = dot * scale;
            largest = scores[row] > largest ? scores[row] : largest;
        }
        float sum = 0;
        for (int64_t row = 0; row < rows; ++row) {
            scores[row] = exponential(scores[row] - largest);
            sum += scores[row];
        }
        float *out = attended + pair * w;
        if constexpr (W > 0) {
            float sums[W] = {};
            for (int64_t row = 0; row < rows; ++row)
                for (int64_t c = 0; c < W; ++c) sums[c] += scores[row] * widen(value[row * W + c]);
            for (int64_t c = 0; c < W; ++c) out[c] = sums[c] / sum;
        } else {
            for (int64_t c = 0; c < w; ++c) out[c] = 0;
            for (int64_t row = 0; row < rows; ++row)
                for (int64_t c = 0; c < w; ++c) out[c] += scores[row] / sum * widen(value[row * w + c]);
        }
    }
}

}  // namespace

// Attention of one row a drawing to itself and to those that a decoder has kept, among which it is put. It costs what it
// takes to read them: bfloat16 is half the bytes, and drawings that have ended are passed over where they lie.
//
// joint: (drawings, 3, heads, width) float32, query, key, value; keys, values: (slots, heads, room, width), of which
// `before` rows are there already, and drawing i lies in slot[i]; attended: (drawings, heads, width);
// scores: room for before + 1 floats.
extern "C" void attend_next(const float *joint, BFloat16 *keys, BFloat16 *values, float *attended, float *scores,
                            const int64_t *slot, int64_t drawings, int64_t heads, int64_t room, int64_t before,
                            int64_t width) {
    const auto with_width = width == 16   ? attend_next<16>
                            : width == 32 ? attend_next<32>
                            : width == 64 ? attend_next<64>
                                          : attend_next<0>;
    with_width(joint, keys, values, attended, scores, slot, drawings, heads, room, before, width);
}
