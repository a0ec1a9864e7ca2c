/* How likely a text is of many pictures, roughly: in float32, by a logarithm of its own, a block of pictures at a time.
 * What is found so lies within a known distance of what captionret/retrieval/modes/likelihood.py finds in float64;
 * those that may be among the best are compared again there. Also the weights of a few rows in lists of many.
 */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define ROWS 2048            /* of a block: what is between lies in the processor's caches */
#define LEAST 1e-4f          /* a calibration takes the logit of what lies between these, see calibrated.py */
#define MOST 0.9995f
#define NEVER -50.0f         /* log-odds */
#define CERTAIN 1e-16f       /* what is left out with so little probability is certain */

#define LINE 32              /* numbers of two bytes that memory gives together */

#if defined(__GNUC__)
#define PREFETCH(place) __builtin_prefetch(place)
#else
#define PREFETCH(place) (void)(place)
#endif
#if defined(__GNUC__) && defined(__x86_64__) && !defined(__clang__)
#pragma GCC optimize("O3", "fast-math") /* there are no infinite numbers here */
#define FAST __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#define WITHIN static inline __attribute__((always_inline)) /* whatever processor the caller is compiled for */
#else
#define FAST
#define WITHIN static inline
#endif
#define EACH(one) for (int one = 0; one < ROWS; one++)

/* A word of the text. tells: how much it counts; is_telling: whether a picture fits by it; what it is read as */
typedef struct {
    float tells;
    int32_t is_telling, first, count;
} Word;

/* weight: of the reading. Its own probability is that of a column, raised by class_share of its classes'. The calibrated
 * one is that of any of its forms (columns), raised by group_share of theirs. No classes: -1 */
typedef struct {
    float weight;
    int32_t column, classes;
    float class_share;
    int32_t first_form, forms, is_calibrated, group_classes;
    float group_share, slope, offset, bend;
} Reading;

typedef struct {
    const void *rows;        /* ascending, of 2 or 4 bytes */
    const void *weights;     /* of 2 or 4 */
    Py_ssize_t count, at;
    int row_width, width, column;
} List;

typedef struct {
    const Word *words;
    const Reading *readings;
    const int32_t *forms;
    int count, columns, is_calibrated;
    float least, sure, bent_from;
} Text;

WITHIN float half(uint16_t bits)
{
    union { uint32_t bits; float value; } found = {(uint32_t)(bits & 0x7fff) << 13}, scale = {0x77800000};
    return found.value * scale.value;
}

static int32_t row_at(const List *list, Py_ssize_t place)
{
    return list->row_width == 2 ? ((const uint16_t *)list->rows)[place] : ((const int32_t *)list->rows)[place];
}

static float weight_at(const List *list, Py_ssize_t place)
{
    return list->width == 2 ? half(((const uint16_t *)list->weights)[place]) : ((const float *)list->weights)[place];
}

/* The natural logarithm of a normal number above 0, to six digits (Cephes' polynomial) */
WITHIN float log_of(float x)
{
    union { float value; int32_t bits; } given = {x}, rest;
    int32_t exponent = (given.bits - 0x3f3504f3) >> 23; /* so that the rest is from sqrt(1/2) to sqrt(2) */
    rest.bits = given.bits - exponent * (1 << 23);
    x = rest.value - 1;
    float z = x * x, y = 7.0376836292e-2f;
    y = y * x - 1.1514610310e-1f;
    y = y * x + 1.1676998740e-1f;
    y = y * x - 1.2420140846e-1f;
    y = y * x + 1.4249322787e-1f;
    y = y * x - 1.6668057665e-1f;
    y = y * x + 2.0000714765e-1f;
    y = y * x - 2.4999993993e-1f;
    y = y * x + 3.3333331174e-1f;
    return x + (y * x * z - 0.5f * z) + 0.69314718f * (float)exponent;
}

/* exp of a number from -80 to 80, to six digits */
WITHIN float exp_of(float x)
{
    float n = x * 1.44269504f;
    int32_t whole = (int32_t)(n + (n < 0 ? -0.5f : 0.5f));
    union { int32_t bits; float value; } power = {(whole + 127) * (1 << 23)};
    float r = (x - (float)whole * 0.693359375f) + (float)whole * 2.12194440e-4f, y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    return (y * r * r + r + 1) * power.value;
}

WITHIN float between(float x, float low, float high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

WITHIN float odds_of(float p)
{
    return log_of(p / (1 - p));
}

/* Add a list's weights of `count` rows that stand one after the other */
FAST static void add_in_order(float *column, const uint16_t *weights, int count)
{
    for (int one = 0; one < count; one++)
        column[one] += half(weights[one]);
}

/* The numbers that float16 holds, as many */
FAST static void convert(float *numbers, const uint16_t *halves, int count)
{
    for (int one = 0; one < count; one++)
        numbers[one] = half(halves[one]);
}

/* The probability p of each row raised by a share of its classes' */
FAST static void raise(float *p, const float *classes, float share)
{
    EACH(row) {
        float seen = classes[row] > 1 ? 1 : classes[row];
        p[row] += (1 - p[row]) * share * seen;
    }
}

/* p: that a picture shows any of the forms; left: that it shows none; both begin with those of no form */
FAST static void join(float *p, float *left, const float *form)
{
    EACH(row) {
        p[row] += form[row] * left[row];
        left[row] *= 1 - form[row];
    }
}

/* The calibrated log-odds of p; left: 1 - p */
FAST static void calibrate(float *odds, const float *p, const float *left, const Reading *reading, float low, float high,
                           float bent_from)
{
    const float slope = reading->slope, offset = reading->offset, bend = reading->bend - 1;
    EACH(row) {
        float rest = left[row] < 1e-6f ? 1e-6f : left[row];
        float found = slope * log_of(between(p[row] / rest, LEAST / (1 - LEAST), MOST / (1 - MOST))) + offset;
        float above = found - bent_from;
        found += bend * (above > 0 ? above : 0);
        found = between(found, low, high);
        found = p[row] > 0 ? found : low;
        odds[row] = left[row] < CERTAIN ? high : found;
    }
}

FAST static void odds_of_all(float *odds, const float *p, float least, float most)
{
    EACH(row)
        odds[row] = odds_of(between(p[row], least, most));
}

/* From log-odds to the odds of what is raised by classes; p: 0 where there were none before; low: of the least */
FAST static void raise_odds(float *odds, const float *p, const float *classes, float share, float least, float most,
                            float low)
{
    EACH(row) {
        float before = p[row] > 0 ? 1 / (1 + exp_of(-odds[row])) : 0;
        float seen = classes[row] > 1 ? 1 : classes[row];
        float found = odds_of(between(before + (1 - before) * share * seen, least, most));
        odds[row] = seen > 0 ? found : odds[row] < low ? low : odds[row];
    }
}

/* What a word adds where it is read as one word */
FAST static void add_one(float *sums, float *surest, const float *own, const float *odds, float tells, int is_telling)
{
    EACH(row) {
        sums[row] += tells * (own[row] + odds[row]);
        surest[row] = is_telling && odds[row] > surest[row] ? odds[row] : surest[row];
    }
}

/* What several readings of a word come to: the probability of the word as it is spelt, of what a text does not leave
 * out, of the likeliest reading, and that one of them holds, and that none does */
typedef struct {
    float own[ROWS], rest[ROWS], likeliest[ROWS], found[ROWS], unfound[ROWS];
} Several;

/* One of several forms of a word: the likeliest counts, and that a text does not leave out the others */
FAST static void add_form(Several *all, const float *p, const float *odds, float least, float most)
{
    EACH(row) {
        float own = between(p[row], least, most), found = 1 / (1 + exp_of(-odds[row]));
        all->own[row] = own > all->own[row] ? own : all->own[row];
        all->rest[row] += log_of(1 - own);
        all->likeliest[row] = found > all->likeliest[row] ? found : all->likeliest[row];
    }
}

/* The same of words that a word resembles by their weights: each adds to how probable it is that one of them holds */
FAST static void add_reading(Several *all, const float *p, const float *odds, float weight, float least, float most)
{
    EACH(row) {
        float own = between(p[row], least, most), found = weight / (1 + exp_of(-odds[row]));
        all->own[row] += weight * own * (1 - all->own[row]);
        all->rest[row] += log_of(1 - own);
        all->likeliest[row] = found > all->likeliest[row] ? found : all->likeliest[row];
        all->found[row] += found * (1 - all->found[row]);
        all->unfound[row] *= 1 - found;
    }
}

FAST static void add_several(float *sums, float *surest, const Several *all, float tells, int adds, int is_telling,
                             int is_calibrated)
{
    EACH(row) {
        float own = log_of(all->own[row]) - all->rest[row], odds = odds_of(all->likeliest[row]);
        float found = adds ? log_of(all->found[row]) - log_of(all->unfound[row]) : odds;
        sums[row] += tells * (own + (is_calibrated ? found : own));
        surest[row] = is_telling && odds > surest[row] ? odds : surest[row];
    }
}

/* Room for what lies between, ROWS numbers each */
typedef struct {
    float p[ROWS], left[ROWS], own[ROWS], odds[ROWS];
    Several all;
    float sums[ROWS], surest[ROWS];
} Room;

/* room->own: the log-odds of a reading as it is spelt, or with `as_p` its probability; room->odds: the calibrated ones */
static void read_as(const Text *text, const Reading *reading, float (*columns)[ROWS], Room *room, int as_p)
{
    const float low = logf(text->least / (1 - text->least)), high = logf(text->sure / (1 - text->sure));
    memcpy(room->own, columns[reading->column], sizeof room->own);
    if (reading->classes >= 0)
        raise(room->own, columns[reading->classes], reading->class_share);
    if (text->is_calibrated) {
        memcpy(room->p, columns[text->forms[reading->first_form]], sizeof room->p);
        EACH(row)
            room->left[row] = 1 - room->p[row];
        for (int form = 1; form < reading->forms; form++)
            join(room->p, room->left, columns[text->forms[reading->first_form + form]]);
        if (reading->is_calibrated)
            calibrate(room->odds, room->p, room->left, reading, reading->group_classes < 0 ? low : NEVER, high,
                      text->bent_from);
        else
            odds_of_all(room->odds, room->p, reading->group_classes < 0 ? text->least : 1e-20f, text->sure);
        if (reading->group_classes >= 0)
            raise_odds(room->odds, room->p, columns[reading->group_classes], reading->group_share, text->least,
                       text->sure, low);
    } else
        odds_of_all(room->odds, room->own, text->least, text->sure);
    if (!as_p && text->is_calibrated)
        odds_of_all(room->own, room->own, text->least, text->sure);
    else if (!as_p)
        memcpy(room->own, room->odds, sizeof room->own);
}

static void block(const Text *text, float (*columns)[ROWS], Room *room)
{
    for (int one = 0; one < text->count; one++) {
        const Word *word = &text->words[one];
        const Reading *readings = text->readings + word->first;
        if (word->count == 1 && readings->weight == 1) {
            read_as(text, readings, columns, room, 0);
            add_one(room->sums, room->surest, room->own, room->odds, word->tells / 2, word->is_telling);
            continue;
        }
        int adds = 0;
        for (int reading = 0; reading < word->count; reading++)
            adds |= readings[reading].weight != 1;
        memset(&room->all, 0, sizeof room->all);
        EACH(row)
            room->all.unfound[row] = 1;
        for (int reading = 0; reading < word->count; reading++) {
            read_as(text, readings + reading, columns, room, 1);
            if (adds)
                add_reading(&room->all, room->own, room->odds, readings[reading].weight, text->least, text->sure);
            else
                add_form(&room->all, room->own, room->odds, text->least, text->sure);
        }
        add_several(room->sums, room->surest, &room->all, word->tells / 2, adds, word->is_telling, text->is_calibrated);
    }
}

/* How many of ascending rows, of which the first lies in a block or after it, stand before `last` */
static int rows_before(const uint16_t *rows, int count, Py_ssize_t last)
{
    int low = 0, high = count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (rows[middle] < last)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Add the weights of a list's rows of a block. Rows that do not ascend cannot lead out of it. */
static void put(List *list, float *column, float *buffer, Py_ssize_t first, Py_ssize_t last)
{
    Py_ssize_t at = list->at;
    if (list->row_width == 2 && list->width == 2) {
        const uint16_t *rows = list->rows, *weights = list->weights;
        int count = rows_before(rows + at, list->count - at < ROWS ? (int)(list->count - at) : ROWS, last);
        if (count && rows[at + count - 1] - rows[at] == count - 1)
            add_in_order(column + ((rows[at] - first) & (ROWS - 1)), weights + at, count);
        else {
            convert(buffer, weights + at, count);
            for (int one = 0; one < count; one++)
                column[(rows[at + one] - first) & (ROWS - 1)] += buffer[one];
        }
        at += count;
        /* what the next block reads: the processor does not foresee it, for there are many lists */
        for (int one = 0; one < count && at + one < list->count; one += LINE) {
            PREFETCH(rows + at + one);
            PREFETCH(weights + at + one);
        }
    } else
        for (; at < list->count && row_at(list, at) < last; at++)
            column[(row_at(list, at) - first) & (ROWS - 1)] += weight_at(list, at);
    list->at = at;
}

static void all_blocks(const Text *text, List *lists, Py_ssize_t list_count, float (*columns)[ROWS], Room *room,
                       const double *numbers, double number, float *scores, float *surest, Py_ssize_t rows)
{
    const float scale = 1 / (float)text->count;
    for (Py_ssize_t first = 0; first < rows; first += ROWS) {
        Py_ssize_t some = rows - first < ROWS ? rows - first : ROWS;
        memset(columns, 0, text->columns * sizeof *columns);
        for (Py_ssize_t one = 0; one < list_count; one++)
            put(&lists[one], columns[lists[one].column], room->p, first, first + some);
        for (Py_ssize_t row = 0; row < some; row++)
            room->sums[row] = (float)(number * numbers[first + row]);
        for (Py_ssize_t row = 0; row < ROWS; row++)
            room->surest[row] = -100;
        block(text, columns, room);
        for (Py_ssize_t row = 0; row < some; row++) {
            scores[first + row] = room->sums[row] * scale;
            surest[first + row] = room->surest[row];
        }
    }
}

static int is_inside(const Text *text, const Reading *reading, Py_ssize_t forms)
{
    int last = text->columns - 1;
    return reading->column >= 0 && reading->column <= last && reading->classes >= -1 && reading->classes <= last
        && reading->group_classes >= -1 && reading->group_classes <= last && reading->first_form >= 0
        && reading->forms >= 1 && (Py_ssize_t)reading->first_form + reading->forms <= forms;
}

/* Whether every number of the text's names something that is there */
static int is_whole(const Text *text, Py_ssize_t readings, Py_ssize_t forms)
{
    for (int one = 0; one < text->count; one++) {
        const Word *word = &text->words[one];
        if (word->first < 0 || word->count < 1 || (Py_ssize_t)word->first + word->count > readings)
            return 0;
    }
    for (Py_ssize_t one = 0; one < forms; one++)
        if (text->forms[one] < 0 || text->forms[one] >= text->columns)
            return 0;
    for (Py_ssize_t one = 0; one < readings; one++)
        if (!is_inside(text, &text->readings[one], forms))
            return 0;
    return 1;
}

/* The rows and weights of a list; `buffers` holds both. 0 where they do not fit, with an error */
static int read_list(PyObject *rows, PyObject *weights, List *list, Py_buffer *buffers, Py_ssize_t all)
{
    if (PyObject_GetBuffer(rows, &buffers[0], PyBUF_SIMPLE | PyBUF_FORMAT))
        return 0;
    if (PyObject_GetBuffer(weights, &buffers[1], PyBUF_SIMPLE | PyBUF_FORMAT)) {
        PyBuffer_Release(&buffers[0]);
        return 0;
    }
    int width = (int)buffers[1].itemsize, row_width = (int)buffers[0].itemsize;
    int fits = (width == 2 || width == 4) && (row_width == 2 || row_width == 4);
    *list = (List){buffers[0].buf, buffers[1].buf, fits ? buffers[0].len / row_width : 0, 0, row_width, width, 0};
    fits = fits && buffers[1].len / width == list->count;
    if (fits && list->count)
        fits = row_at(list, 0) >= 0 && row_at(list, list->count - 1) < all;
    if (!fits) {
        PyBuffer_Release(&buffers[0]);
        PyBuffer_Release(&buffers[1]);
        PyErr_SetString(PyExc_ValueError, "a word's rows and weights do not fit");
    }
    return fits;
}

/* likelihoods(words, readings, forms, columns, least, sure, bent_from, is_calibrated, lists, numbers, number, scores,
 * surest). lists: (column, rows, weights) each; scores and surest: float32, written */
static PyObject *likelihoods(PyObject *self, PyObject *arguments)
{
    Py_buffer words, readings, forms, numbers, scores, surest, *buffers = NULL;
    PyObject *given, *result = NULL;
    Text text;
    double number;
    List *lists = NULL;
    Py_ssize_t held = 0;
    float(*columns)[ROWS] = NULL;
    Room *room = NULL;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "y*y*y*ifffpO!y*dw*w*", &words, &readings, &forms, &text.columns, &text.least,
                          &text.sure, &text.bent_from, &text.is_calibrated, &PyList_Type, &given, &numbers, &number,
                          &scores, &surest))
        return NULL;
    Py_ssize_t rows = scores.len / 4, list_count = PyList_Size(given);
    text.words = words.buf;
    text.readings = readings.buf;
    text.forms = forms.buf;
    text.count = (int)(words.len / sizeof(Word));
    if (text.columns < 1 || text.count < 1 || numbers.len / 8 != rows || surest.len / 4 != rows
        || !is_whole(&text, readings.len / sizeof(Reading), forms.len / 4)) {
        PyErr_SetString(PyExc_ValueError, "a text's words and columns do not fit");
        goto end;
    }
    buffers = PyMem_Malloc((2 * list_count + 1) * sizeof *buffers);
    lists = PyMem_Malloc((list_count + 1) * sizeof *lists);
    columns = PyMem_Malloc(text.columns * sizeof *columns);
    room = PyMem_Calloc(1, sizeof *room);
    if (!buffers || !lists || !columns || !room) {
        PyErr_NoMemory();
        goto end;
    }
    for (; held < list_count; held++) {
        int column;
        PyObject *of_rows, *of_weights;
        if (!PyArg_ParseTuple(PyList_GetItem(given, held), "iOO", &column, &of_rows, &of_weights)
            || !read_list(of_rows, of_weights, &lists[held], &buffers[2 * held], rows))
            goto end;
        lists[held].column = column;
        if (column < 0 || column >= text.columns) {
            held++;
            PyErr_SetString(PyExc_ValueError, "a list is of no column");
            goto end;
        }
    }
    Py_BEGIN_ALLOW_THREADS
    all_blocks(&text, lists, list_count, columns, room, numbers.buf, number, scores.buf, surest.buf, rows);
    Py_END_ALLOW_THREADS
    Py_INCREF(Py_None);
    result = Py_None;
end:
    for (Py_ssize_t one = 0; one < 2 * held; one++)
        PyBuffer_Release(&buffers[one]);
    PyMem_Free(buffers);
    PyMem_Free(lists);
    PyMem_Free(columns);
    PyMem_Free(room);
    Py_buffer *given_buffers[] = {&words, &readings, &forms, &numbers, &scores, &surest};
    for (int one = 0; one < 6; one++)
        PyBuffer_Release(given_buffers[one]);
    return result;
}

/* look_up(rows, weights, wanted, found): add to each float64 of `found` the weight of the int32 row `wanted`, where the
 * list holds it */
static PyObject *look_up(PyObject *self, PyObject *arguments)
{
    PyObject *rows, *weights;
    Py_buffer wanted, found, buffers[2];
    List list;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "OOy*w*", &rows, &weights, &wanted, &found))
        return NULL;
    int fits = wanted.len / 4 == found.len / 8;
    if (!fits)
        PyErr_SetString(PyExc_ValueError, "there is no room for each row's weight");
    else if ((fits = read_list(rows, weights, &list, buffers, INT32_MAX))) {
        const int32_t *sought = wanted.buf;
        double *sums = found.buf;
        for (Py_ssize_t one = 0; one < wanted.len / 4; one++) {
            Py_ssize_t low = 0, high = list.count;
            while (low < high) {
                Py_ssize_t middle = low + (high - low) / 2;
                if (row_at(&list, middle) < sought[one])
                    low = middle + 1;
                else
                    high = middle;
            }
            if (low < list.count && row_at(&list, low) == sought[one])
                sums[one] += (double)weight_at(&list, low);
        }
        PyBuffer_Release(&buffers[0]);
        PyBuffer_Release(&buffers[1]);
    }
    PyBuffer_Release(&wanted);
    PyBuffer_Release(&found);
    if (!fits)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"likelihoods", likelihoods, METH_VARARGS, "Rough likelihoods of a text, see rough.py."},
    {"look_up", look_up, METH_VARARGS, "Weights of a few rows, see stored_words.py."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_likelihood", NULL, -1, methods, NULL, NULL, NULL, NULL};

/* rough.py asks for it: a kernel compiled of another source is left alone. Raise both when a signature changes. */
#define REVISION 2

PyMODINIT_FUNC PyInit__likelihood(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && PyModule_AddIntConstant(made, "REVISION", REVISION) < 0) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}
