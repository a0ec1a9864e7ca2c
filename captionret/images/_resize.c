/* Pictures made larger or smaller, as Pillow does it to the bit: along rows, then along columns, each sum of products
 * rounded to a byte. resizing.py gives the weights; without a compiler Pillow does it.
 */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define FAST __attribute__((target_clones("arch=x86-64-v4", "avx2", "default"), optimize("O3")))
#else
#define FAST
#endif

/* resizing.py asks for it: a kernel compiled of another source is left alone. Raise both when a signature changes. */
#define REVISION 1
#define BITS 22  /* behind the point, of weights */
#define STRIP 16 /* rows that lie side by side while they are resized along */
#define ACROSS (3 * STRIP)

/* The sum over lines of so many bytes, each line times its weight. */
static inline __attribute__((always_inline)) void blended(const uint8_t *lines, Py_ssize_t line, Py_ssize_t bytes,
                                                          const int32_t *weights, Py_ssize_t count, int32_t *sums,
                                                          uint8_t *to)
{
    for (Py_ssize_t at = 0; at < bytes; at++)
        sums[at] = 1 << (BITS - 1);
    for (Py_ssize_t one = 0; one < count; one++) {
        const uint8_t *from = lines + one * line;
        const int32_t weight = weights[one];
        for (Py_ssize_t at = 0; at < bytes; at++)
            sums[at] += from[at] * weight;
    }
    for (Py_ssize_t at = 0; at < bytes; at++) {
        const int32_t value = sums[at] >> BITS;
        to[at] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

typedef struct {
    const int32_t *firsts, *counts, *weights; /* of each place: the first that is read, how many, and `most` weights */
    Py_ssize_t most, size;
} Weights;

/* Rows of `width` pixels to rows of across->size, some rows at a time, turned so that they lie side by side. */
FAST static void along(const uint8_t *from, Py_ssize_t height, Py_ssize_t width, const Weights *across, uint8_t *turned,
                       uint8_t *to)
{
    int32_t sums[ACROSS];
    uint8_t found[ACROSS];
    for (Py_ssize_t start = 0; start < height; start += STRIP) {
        const Py_ssize_t rows = height - start < STRIP ? height - start : STRIP;
        for (Py_ssize_t row = 0; row < rows; row++) {
            const uint8_t *pixel = from + (start + row) * width * 3;
            uint8_t *place = turned + 3 * row;
            for (Py_ssize_t x = 0; x < width; x++, pixel += 3, place += ACROSS) {
                place[0] = pixel[0];
                place[1] = pixel[1];
                place[2] = pixel[2];
            }
        }
        for (Py_ssize_t x = 0; x < across->size; x++) {
            blended(turned + across->firsts[x] * ACROSS, ACROSS, ACROSS, across->weights + x * across->most,
                    across->counts[x], sums, found);
            uint8_t *place = to + (start * across->size + x) * 3;
            for (Py_ssize_t row = 0; row < rows; row++, place += across->size * 3) {
                place[0] = found[3 * row];
                place[1] = found[3 * row + 1];
                place[2] = found[3 * row + 2];
            }
        }
    }
}

FAST static void down(const uint8_t *from, Py_ssize_t bytes, const Weights *weights, int32_t *sums, uint8_t *to)
{
    for (Py_ssize_t y = 0; y < weights->size; y++)
        blended(from + weights->firsts[y] * bytes, bytes, bytes, weights->weights + y * weights->most,
                weights->counts[y], sums, to + y * bytes);
}

/* Whether the weights of each place are there, and read only what there is. */
static int is_whole(const Weights *weights, const Py_buffer *firsts, const Py_buffer *counts, const Py_buffer *all,
                    Py_ssize_t there)
{
    const Py_ssize_t size = weights->size;
    if (size < 1 || counts->len != 4 * size || firsts->len != 4 * size || all->len != 4 * size * weights->most)
        return 0;
    for (Py_ssize_t at = 0; at < size; at++)
        if (weights->firsts[at] < 0 || weights->counts[at] < 0 || weights->counts[at] > weights->most
            || weights->firsts[at] > there - weights->counts[at])
            return 0;
    return 1;
}

/* resize(pixels, height, width, across..., down..., to): each three buffers, firsts, counts, weights */
static PyObject *resize(PyObject *self, PyObject *given)
{
    Py_buffer pixels, parts[6], to;
    Py_ssize_t height, width;
    if (!PyArg_ParseTuple(given, "y*nny*y*y*y*y*y*w*", &pixels, &height, &width, parts, parts + 1, parts + 2, parts + 3,
                          parts + 4, parts + 5, &to))
        return NULL;
    Weights both[2];
    for (int one = 0; one < 2; one++) {
        const Py_buffer *own = parts + 3 * one;
        both[one].firsts = own[0].buf, both[one].counts = own[1].buf, both[one].weights = own[2].buf;
        both[one].size = own[0].len / 4;
        both[one].most = both[one].size ? own[2].len / 4 / both[one].size : 0;
    }
    const int fits = height > 0 && width > 0 && pixels.len == 3 * height * width
        && is_whole(both, parts, parts + 1, parts + 2, width) && is_whole(both + 1, parts + 3, parts + 4, parts + 5, height)
        && to.len == 3 * both[0].size * both[1].size;
    uint8_t *turned = NULL, *rows = NULL;
    int32_t *sums = NULL;
    if (fits) {
        turned = calloc((size_t)width, ACROSS);
        rows = malloc(3 * (size_t)height * (size_t)both[0].size);
        sums = malloc(12 * (size_t)both[0].size);
    }
    const int able = turned && rows && sums;
    if (able) {
        Py_BEGIN_ALLOW_THREADS
        along(pixels.buf, height, width, both, turned, rows);
        down(rows, 3 * both[0].size, both + 1, sums, to.buf);
        Py_END_ALLOW_THREADS
    } else if (fits)
        PyErr_NoMemory();
    else
        PyErr_SetString(PyExc_ValueError, "pixels, weights and room do not fit");
    free(turned);
    free(rows);
    free(sums);
    PyBuffer_Release(&pixels);
    for (int one = 0; one < 6; one++)
        PyBuffer_Release(parts + one);
    PyBuffer_Release(&to);
    if (!able)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"resize", resize, METH_VARARGS, "Resize a picture, see resizing.py."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_resize", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__resize(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && PyModule_AddIntConstant(made, "REVISION", REVISION) < 0) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}
