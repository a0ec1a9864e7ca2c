/* A network of convolutions in float16, on processors that multiply it (AVX-512 FP16): twice as many products an
 * instruction as in float32, and half the memory. float16_engine.py makes the list of steps.
 *
 * Pictures lie as rows of pixels, each with all of its channels. Sums are taken over at most CHUNK products at a
 * time, and these are added up: so rounding does not grow with the number of channels.
 */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

/* float16_engine.py asks for it: a kernel compiled of another source is left alone. Raise both when what a step is
 * changes. */
#define REVISION 1
#define CHUNK 64
#define TILE 108 /* pixels whose channels stay near the processor while all columns of weights pass */

/* One row of the list. Places count numbers of two bytes; those of pictures are in the memory that is given, those
 * of weights in the weights. */
typedef struct {
    int64_t kind, from, to, added, weights, bias;
    int64_t depth, columns;        /* channels of what is read, and of what is written */
    int64_t height, width;         /* of what is read */
    int64_t kernel, stride, top, left; /* top, left: rows and columns of zeros before the picture */
    int64_t high, wide;            /* of what is written */
    int64_t clipped;               /* whether to 0..6 */
} Step;
enum { PIXELS, POINTWISE, DEPTHWISE, FIRST };

#if defined(__x86_64__) && ((defined(__GNUC__) && __GNUC__ >= 12) || (defined(__clang__) && __clang_major__ >= 14))
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512fp16,avx512f,avx512bw,avx512vl,avx512dq"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC optimize("O3")
#pragma GCC target("avx512fp16,avx512f,avx512bw,avx512vl,avx512dq")
#endif

typedef struct {
    const char *rows; /* of what is multiplied */
    int64_t row;      /* bytes from one to the next */
    int64_t parts, part, length; /* parts of a row, bytes between them, numbers in each */
} Left;

static __m512h load(const uint16_t *at) { return _mm512_loadu_ph(at); }

static void put(uint16_t *to, const uint16_t *added, __m512h value, __mmask32 lanes, int clipped)
{
    if (added)
        value = _mm512_add_ph(value, _mm512_castsi512_ph(_mm512_maskz_loadu_epi16(lanes, added)));
    if (clipped) {
        value = _mm512_max_ph(value, _mm512_setzero_ph());
        value = _mm512_min_ph(value, _mm512_castsi512_ph(_mm512_set1_epi16(0x4600))); /* 6 */
    }
    _mm512_mask_storeu_epi16(to, lanes, _mm512_castph_si512(value));
}

/* ROWS rows times columns of 32 numbers each. The number of a row is spread by the instruction that multiplies. */
#define PRODUCT(NAME, GROUPS, COLUMNS)                                                                              \
    static void NAME(const Left *left, const char *first, const uint16_t *weights, const uint16_t *bias,            \
                     uint16_t *to, const uint16_t *added, int64_t width, int64_t rows, __mmask32 last, int clipped) \
    {                                                                                                               \
        __m512h sums[GROUPS * 3][COLUMNS];                                                                          \
        const int64_t row = left->row;                                                                              \
        for (int i = 0; i < GROUPS * 3; i++)                                                                        \
            for (int j = 0; j < COLUMNS; j++)                                                                       \
                sums[i][j] = load(bias + 32 * j);                                                                   \
        for (int64_t part = 0; part < left->parts; part++)                                                          \
            for (int64_t start = 0; start < left->length; start += CHUNK) {                                         \
                const int64_t left_over = left->length - start, count = left_over < CHUNK ? left_over : CHUNK;      \
                const char *from[GROUPS];                                                                           \
                __m512h some[GROUPS * 3][COLUMNS];                                                                  \
                _Pragma("GCC unroll 24") for (int i = 0; i < GROUPS * 3; i++)                                       \
                    _Pragma("GCC unroll 2") for (int j = 0; j < COLUMNS; j++) some[i][j] = _mm512_setzero_ph();     \
                _Pragma("GCC unroll 8") for (int i = 0; i < GROUPS; i++) from[i] =                                  \
                    first + part * left->part + 2 * start + 3 * i * row;                                            \
                for (int64_t k = 0; k < count; k++, weights += 32 * COLUMNS) {                                      \
                    __m512h column[COLUMNS];                                                                        \
                    _Pragma("GCC unroll 2") for (int j = 0; j < COLUMNS; j++) column[j] = load(weights + 32 * j);   \
                    _Pragma("GCC unroll 8") for (int i = 0; i < GROUPS; i++) {                                      \
                        _Pragma("GCC unroll 3") for (int r = 0; r < 3; r++)                                         \
                            _Pragma("GCC unroll 2") for (int j = 0; j < COLUMNS; j++)                               \
                                __asm__("vfmadd231ph %2%{1to32%}, %1, %0"                                           \
                                        : "+v"(some[3 * i + r][j])                                                  \
                                        : "v"(column[j]), "m"(*(const uint16_t *)(from[i] + r * row)));             \
                        from[i] += 2;                                                                               \
                    }                                                                                               \
                }                                                                                                   \
                _Pragma("GCC unroll 24") for (int i = 0; i < GROUPS * 3; i++)                                       \
                    _Pragma("GCC unroll 2") for (int j = 0; j < COLUMNS; j++) sums[i][j] =                          \
                        _mm512_add_ph(sums[i][j], some[i][j]);                                                      \
            }                                                                                                       \
        for (int64_t i = 0; i < rows; i++)                                                                          \
            for (int j = 0; j < COLUMNS; j++)                                                                       \
                put(to + i * width + 32 * j, added ? added + i * width + 32 * j : NULL, sums[i][j],                 \
                    j == COLUMNS - 1 ? last : ~(__mmask32)0, clipped);                                              \
    }

PRODUCT(twelve_by_two, 4, 2)
PRODUCT(eighteen_by_one, 6, 1)

/* count rows times all columns of a step's weights, which lie in blocks of 64 columns, the last one of 32 if that is
 * enough. */
static void multiply(const Step *step, const Left *left, const uint16_t *weights, uint16_t *to, const uint16_t *added,
                     int64_t count)
{
    const int64_t width = step->columns, numbers = left->parts * left->length;
    for (int64_t tile = 0; tile < count; tile += TILE) {
        const int64_t end = tile + TILE < count ? tile + TILE : count;
        for (int64_t column = 0; column < width; column += 64) {
            const int64_t here = width - column < 64 ? width - column : 64;
            const int two = here > 32, high = two ? 12 : 18;
            const int64_t in_last = here - (two ? 32 : 0);
            const __mmask32 last = (__mmask32)(((uint64_t)1 << in_last) - 1);
            const uint16_t *block = weights + step->weights + column * numbers, *bias = weights + step->bias + column;
            for (int64_t row = tile; row < end; row += high) {
                const int64_t rows = end - row < high ? end - row : high, at = row * width + column;
                (two ? twelve_by_two : eighteen_by_one)(left, left->rows + row * left->row, block, bias, to + at,
                                                        added ? added + at : NULL, width, rows, last,
                                                        (int)step->clipped);
            }
        }
    }
}

static void pointwise(const Step *step, const uint16_t *weights, uint16_t *memory, int64_t pictures)
{
    const Left left = {(const char *)(memory + step->from), 2 * step->depth, 1, 0, step->depth};
    multiply(step, &left, weights, memory + step->to, step->added < 0 ? NULL : memory + step->added,
             pictures * step->high * step->wide);
}

/* The first convolution: each row of the kernel is a run of numbers in the padded picture. */
static void first(const Step *step, const uint16_t *weights, uint16_t *memory, int64_t pictures)
{
    const int64_t line = step->width * step->depth;
    for (int64_t row = 0; row < pictures * step->high; row++) {
        const int64_t picture = row / step->high, y = row % step->high * step->stride;
        const Left left = {(const char *)(memory + step->from + (picture * step->height + y) * line),
                           2 * step->stride * step->depth, step->kernel, 2 * line, step->kernel * step->depth};
        multiply(step, &left, weights, memory + step->to + row * step->wide * step->columns, NULL, step->wide);
    }
}

/* Numbers of a picture's bytes, by a table of 256 for each channel, and zeros around it. */
static void pixels_in(const Step *step, const uint16_t *weights, uint16_t *memory, const uint8_t *pixels,
                      int64_t pictures)
{
    const uint16_t *table = weights + step->weights;
    const int64_t depth = step->depth;
    memset(memory + step->to, 0, 2 * (size_t)(pictures * step->high * step->wide * depth));
    for (int64_t row = 0; row < pictures * step->height; row++) {
        const int64_t picture = row / step->height, y = row % step->height + step->top;
        uint16_t *to = memory + step->to + ((picture * step->high + y) * step->wide + step->left) * depth;
        for (int64_t x = 0; x < step->width; x++)
            for (int64_t channel = 0; channel < depth; channel++)
                *to++ = table[256 * channel + *pixels++];
    }
}

static inline __attribute__((always_inline)) void depthwise_of(const Step *step, const uint16_t *weights,
                                                               uint16_t *memory, int64_t pictures,
                                                               const int64_t kernel)
{
    const int64_t depth = step->depth, padded = (depth + 31) / 32 * 32, stride = step->stride;
    const int64_t line = step->width * depth;
    for (int64_t row = 0; row < pictures * step->high; row++) {
        const int64_t y = row % step->high * stride - step->top, above = y < 0 ? -y : 0;
        const int64_t below = step->height - y < kernel ? step->height - y : kernel;
        const uint16_t *from = memory + step->from + (row / step->high * step->height + y) * line;
        for (int64_t channel = 0; channel < depth; channel += 32) {
            const uint16_t *own = weights + step->weights + channel;
            const int64_t lanes = depth - channel < 32 ? depth - channel : 32;
            const __mmask32 last = (__mmask32)(((uint64_t)1 << lanes) - 1);
            const __m512h bias = load(weights + step->bias + channel);
            uint16_t *to = memory + step->to + row * step->wide * depth + channel;
            for (int64_t column = 0; column < step->wide;) {
                const int64_t x = column * stride - step->left;
                const uint16_t *at = from + x * depth + channel;
                if (x >= 0 && column + 4 <= step->wide && x + 3 * stride + kernel <= step->width) {
                    __m512h sums[4] = {bias, bias, bias, bias};
                    for (int64_t i = above; i < below; i++)
                        for (int64_t j = 0; j < kernel; j++) {
                            const __m512h weight = load(own + (i * kernel + j) * padded);
                            for (int n = 0; n < 4; n++)
                                sums[n] = _mm512_fmadd_ph(load(at + i * line + (n * stride + j) * depth), weight,
                                                          sums[n]);
                        }
                    for (int n = 0; n < 4; n++)
                        put(to + (column + n) * depth, NULL, sums[n], last, (int)step->clipped);
                    column += 4;
                    continue;
                }
                const int64_t before = x < 0 ? -x : 0, behind = step->width - x < kernel ? step->width - x : kernel;
                __m512h sum = bias;
                for (int64_t i = above; i < below; i++)
                    for (int64_t j = before; j < behind; j++)
                        sum = _mm512_fmadd_ph(load(at + i * line + j * depth),
                                              load(own + (i * kernel + j) * padded), sum);
                put(to + column * depth, NULL, sum, last, (int)step->clipped);
                column++;
            }
        }
    }
}

static void depthwise(const Step *step, const uint16_t *weights, uint16_t *memory, int64_t pictures)
{
    if (step->kernel == 3)
        depthwise_of(step, weights, memory, pictures, 3);
    else if (step->kernel == 5)
        depthwise_of(step, weights, memory, pictures, 5);
    else
        depthwise_of(step, weights, memory, pictures, step->kernel);
}

static void run_steps(const Step *steps, int64_t count, const uint16_t *weights, uint16_t *memory,
                      const uint8_t *pixels, int64_t pictures)
{
    for (int64_t i = 0; i < count; i++) {
        const Step *step = steps + i;
        switch (step->kind) {
        case PIXELS: pixels_in(step, weights, memory, pixels, pictures); break;
        case POINTWISE: pointwise(step, weights, memory, pictures); break;
        case DEPTHWISE: depthwise(step, weights, memory, pictures); break;
        case FIRST: first(step, weights, memory, pictures); break;
        }
    }
}

#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
static int runs_here(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512fp16");
}
#else
static void run_steps(const Step *steps, int64_t count, const uint16_t *weights, uint16_t *memory,
                      const uint8_t *pixels, int64_t pictures)
{
}
static int runs_here(void) { return 0; }
#endif

static PyObject *runs(PyObject *self, PyObject *none) { return PyBool_FromLong(runs_here()); }

/* run(steps, weights, memory, pixels, pictures) */
static PyObject *run(PyObject *self, PyObject *given)
{
    Py_buffer steps, weights, memory, pixels;
    long long pictures;
    if (!PyArg_ParseTuple(given, "y*y*w*y*L", &steps, &weights, &memory, &pixels, &pictures))
        return NULL;
    const int able = runs_here();
    if (able) {
        Py_BEGIN_ALLOW_THREADS
        run_steps(steps.buf, steps.len / (int64_t)sizeof(Step), weights.buf, memory.buf, pixels.buf, pictures);
        Py_END_ALLOW_THREADS
    } else
        PyErr_SetString(PyExc_RuntimeError, "this processor does not compute in float16");
    PyBuffer_Release(&steps);
    PyBuffer_Release(&weights);
    PyBuffer_Release(&memory);
    PyBuffer_Release(&pixels);
    if (!able)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"runs", runs, METH_NOARGS, "Whether this processor computes in float16."},
    {"run", run, METH_VARARGS, "Run steps over pictures."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_float16", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__float16(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made && PyModule_AddIntConstant(made, "REVISION", REVISION) < 0) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}
