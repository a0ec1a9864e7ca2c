/* The dot products of many rows of float16 with one of float32, at the speed at which memory is read: rows are
 * turned into float32 a register at a time. captionret/retrieval/index/halves.py does the same without a compiler.
 */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

typedef void (*Dots)(const uint16_t *rows, const float *query, float *found, Py_ssize_t count, Py_ssize_t dim);

/* The number of a half: its bits moved to where float32 has them, and the exponent set right by a product, which is
 * exact, subnormal ones included. */
static float number(uint16_t half)
{
    union { uint32_t bits; float value; } found = {(uint32_t)(half & 0x7fff) << 13}, scale = {0x77800000};
    found.value *= scale.value;
    if ((half & 0x7c00) == 0x7c00)
        found.bits |= 0x7f800000;
    found.bits |= (uint32_t)(half & 0x8000) << 16;
    return found.value;
}

static float rest_of(const uint16_t *row, const float *query, Py_ssize_t from, Py_ssize_t dim)
{
    float sum = 0;
    for (; from < dim; from++)
        sum += number(row[from]) * query[from];
    return sum;
}

static void dots_plain(const uint16_t *rows, const float *query, float *found, Py_ssize_t count, Py_ssize_t dim)
{
    for (Py_ssize_t one = 0; one < count; one++, rows += dim) {
        float sums[8] = {0};
        Py_ssize_t at = 0;
        for (; at + 8 <= dim; at += 8)
            for (int lane = 0; lane < 8; lane++)
                sums[lane] += number(rows[at + lane]) * query[at + lane];
        found[one] = rest_of(rows, query, at, dim);
        for (int lane = 0; lane < 8; lane++)
            found[one] += sums[lane];
    }
}

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#include <immintrin.h>
#define AHEAD 1024 /* halves that are asked of the memory before they are read */

__attribute__((target("avx2,fma,f16c")))
static void dots_avx2(const uint16_t *rows, const float *query, float *found, Py_ssize_t count, Py_ssize_t dim)
{
    for (Py_ssize_t one = 0; one < count; one++, rows += dim) {
        __m256 sums[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
        Py_ssize_t at = 0;
        for (; at + 32 <= dim; at += 32) {
            _mm_prefetch((const char *)(rows + at + AHEAD), _MM_HINT_T0);
            for (int part = 0; part < 4; part++) {
                __m256 values = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(rows + at + 8 * part)));
                sums[part] = _mm256_fmadd_ps(values, _mm256_loadu_ps(query + at + 8 * part), sums[part]);
            }
        }
        float lanes[8];
        _mm256_storeu_ps(lanes, _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3])));
        found[one] = rest_of(rows, query, at, dim);
        for (int lane = 0; lane < 8; lane++)
            found[one] += lanes[lane];
    }
}

__attribute__((target("avx512f")))
static void dots_avx512(const uint16_t *rows, const float *query, float *found, Py_ssize_t count, Py_ssize_t dim)
{
    for (Py_ssize_t one = 0; one < count; one++, rows += dim) {
        __m512 sums[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
        Py_ssize_t at = 0;
        for (; at + 64 <= dim; at += 64) {
            _mm_prefetch((const char *)(rows + at + AHEAD), _MM_HINT_T0);
            _mm_prefetch((const char *)(rows + at + AHEAD + 32), _MM_HINT_T0);
            for (int part = 0; part < 4; part++) {
                __m512 values = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(rows + at + 16 * part)));
                sums[part] = _mm512_fmadd_ps(values, _mm512_loadu_ps(query + at + 16 * part), sums[part]);
            }
        }
        float lanes[16];
        _mm512_storeu_ps(lanes, _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
        found[one] = rest_of(rows, query, at, dim);
        for (int lane = 0; lane < 16; lane++)
            found[one] += lanes[lane];
    }
}

static Dots fastest(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f"))
        return dots_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c"))
        return dots_avx2;
    return dots_plain;
}
#else
static Dots fastest(void)
{
    return dots_plain;
}
#endif

static PyObject *dots(PyObject *self, PyObject *arguments)
{
    Py_buffer rows, query, found;
    if (!PyArg_ParseTuple(arguments, "y*y*w*", &rows, &query, &found))
        return NULL;
    Py_ssize_t dim = query.len / 4, count = found.len / 4;
    int fits = dim > 0 && rows.len / 2 / dim == count && rows.len == count * dim * 2;
    if (fits) {
        Py_BEGIN_ALLOW_THREADS
        fastest()(rows.buf, query.buf, found.buf, count, dim);
        Py_END_ALLOW_THREADS
    } else
        PyErr_SetString(PyExc_ValueError, "rows, query and room for the products do not fit");
    PyBuffer_Release(&rows);
    PyBuffer_Release(&query);
    PyBuffer_Release(&found);
    if (!fits)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"dots", dots, METH_VARARGS, "Dot products of float16 rows with a float32 one, see halves.py."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_halves", NULL, -1, methods, NULL, NULL, NULL, NULL};

/* halves.py asks for it: a kernel compiled of another source is left alone. Raise both when a signature changes. */
#define REVISION 1

PyMODINIT_FUNC PyInit__halves(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && PyModule_AddIntConstant(made, "REVISION", REVISION) < 0) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}
