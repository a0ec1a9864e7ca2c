/* Beam search over the Transformer decoder of transformer.py, many pictures at once, without PyTorch. What it computes
 * is what beam_search.py describes; compiled_search.py packs the weights for it and says when it is taken.
 *
 * A picture begins as soon as another is done, so that as many captions as the processor likes best are always
 * computed together, and memory does not grow with the number of pictures.
 */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#define REVISION 1

#define HEAD 64          /* numbers of a head */
#define CELLS 256        /* of a grid, at most; and what its softmax needs behind it */
#define MOST_LAYERS 12
#define MOST_BEAM 32
#define MOST_WORDS 64
#define ROWS 160         /* captions that are computed together, about */
#define AT_ONCE 48       /* of which the words are chosen at a time */
#define LARGEST 8191.0f  /* whole number that stands for the largest of a row */
#define DEPTH 256        /* products that are summed as whole numbers */

enum { PAD_ID, START_ID, END_ID, UNKNOWN_ID };

typedef struct {
    const float *weight, *bias;
} Norm;

/* weight: panels of P columns, (out / P, in / 2, P, 2), 64 of them in registers of 512 bits and else 16; worth: what one whole number of each column is worth */
typedef struct {
    const int16_t *weight;
    const float *worth, *bias;
    int in, out;
} Linear;

typedef struct {
    Norm norm_self, norm_cross, norm_feed, norm_memory;
    Linear self_in, self_out, query, memory, cross_out, feed, feed_out;
} Layer;

/* places: the cells, and room behind them */
typedef struct {
    int layers, width, cells, places;
    Norm features, last;
    Linear project, output;
    const float *places_of_cells, *words, *positions;
    Layer layer[MOST_LAYERS];
} Decoder;

/* width: words that are looked at after each caption; bad_endings: of each word, or NULL */
typedef struct {
    int beam, most_words, may_start, width;
    float penalty;
    const uint8_t *bad_endings;
} Settings;

typedef struct {
    float score;
    int32_t word;
} Choice;

typedef struct {
    float score;
    int32_t tokens[MOST_WORDS];
    int16_t slots[MOST_WORDS + 1]; /* where the keys of its words stand, <start> included */
} Caption;

/* A picture whose captions are looked for. age: words that its live captions have */
typedef struct {
    Py_ssize_t number;
    int age, live, done, first_row;
    Caption captions[MOST_BEAM], longer[MOST_BEAM];
    uint16_t *keys, *values;
    float *words;
} Picture;

typedef struct {
    float *stream, *wide, *found_in, *own, *worth, *logits, *tops;
    int16_t *whole;
    int32_t *banned, *found;
    Choice *best;
} Room;

/* tokens: (N, beam, most_words), filled with <end>; the others (N, beam) */
typedef struct {
    int64_t *tokens;
    float *scores, *logprob;
    uint8_t *ended;
} Beams;

static int banned(const Settings *settings, const Picture *picture, int row, int32_t *into)
{
    const Caption *caption = &picture->captions[row];
    const int age = picture->age;
    int count = 0, bare = 1;
    into[count++] = PAD_ID;
    into[count++] = UNKNOWN_ID;
    if (age || !settings->may_start)
        into[count++] = START_ID;
    for (int at = 0; at < age; at++)
        bare &= caption->tokens[at] == START_ID;
    if (bare)
        into[count++] = END_ID;
    if (!settings->bad_endings || !age)
        return count;
    const int32_t *tokens = caption->tokens, last = tokens[age - 1];
    if (settings->bad_endings[last] && !bare)
        into[count++] = END_ID;
    into[count++] = last;
    for (int at = 2; at < age; at++)
        if (tokens[at - 2] == tokens[age - 2] && tokens[at - 1] == last)
            into[count++] = tokens[at];
    return count;
}

static void record(const Settings *settings, Picture *picture, const Caption *caption, float logprob, int ended, Beams *beams)
{
    const Py_ssize_t place = picture->number * settings->beam + picture->done++;
    int words = 0;
    for (int at = 0; at < picture->age; at++) {
        beams->tokens[place * settings->most_words + at] = caption->tokens[at];
        words += caption->tokens[at] != START_ID;
    }
    beams->logprob[place] = logprob;
    beams->scores[place] = logprob / powf(words > 1 ? words : 1, settings->penalty);
    beams->ended[place] = (uint8_t)ended;
}

/* Extend a picture's captions by what was found for them; whether it is done. */
static int extend(const Settings *settings, Picture *picture, const Room *room, Beams *beams)
{
    const int beam = settings->beam, width = settings->width, wanted = 2 * beam;
    struct { float total; int row, word; } best[2 * MOST_BEAM];
    int found = 0;
    for (int row = 0; row < picture->live; row++) {
        const Choice *choices = room->best + (size_t)(picture->first_row + row) * width;
        for (int at = 0; at < room->found[picture->first_row + row]; at++) {
            const float total = picture->captions[row].score + choices[at].score;
            if (found == wanted && !(total > best[found - 1].total))
                break;
            int place = found < wanted ? found++ : found - 1;
            for (; place > 0 && best[place - 1].total < total; place--)
                best[place] = best[place - 1];
            best[place].total = total;
            best[place].row = row;
            best[place].word = choices[at].word;
        }
    }
    for (int at = 0; at < found && at < beam && picture->done < beam; at++)
        if (best[at].word == END_ID)
            record(settings, picture, &picture->captions[best[at].row], best[at].total, 1, beams);
    int live = 0;
    for (int at = 0; at < found && live < beam; at++) {
        if (best[at].word == END_ID)
            continue;
        Caption *longer = &picture->longer[live++];
        *longer = picture->captions[best[at].row];
        longer->score = best[at].total;
        longer->tokens[picture->age] = best[at].word;
    }
    memcpy(picture->captions, picture->longer, sizeof(Caption) * (size_t)live);
    picture->live = live;
    picture->age++;
    if (picture->done < beam && live && picture->age < settings->most_words)
        return 0;
    for (int row = 0; row < live && picture->done < beam; row++)
        record(settings, picture, &picture->captions[row], picture->captions[row].score, 0, beams);
    return 1;
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define COMPILED 1
#include <immintrin.h>
#pragma GCC diagnostic ignored "-Wpsabi"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC optimize("O3")
#define ALWAYS __attribute__((always_inline))

#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")
#define BITS 512
#define FIT(name) name##_512
#include "_decoder_kernel.h"
#undef BITS
#undef FIT
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#define BITS 256
#define FIT(name) name##_256
#include "_decoder_kernel.h"
#undef BITS
#undef FIT
#pragma GCC pop_options

/* Bits of the registers that are used here; 0 where there is nothing that fits. */
static int bits_here(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512dq"))
        return 512;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c") ? 256 : 0;
}
#else
static int bits_here(void)
{
    return 0;
}
#endif

/* One piece of memory after another out of a large one; `size` alone is counted where there is none. */
typedef struct {
    char *at;
    size_t size;
} Heap;

static void *taken(Heap *heap, size_t bytes)
{
    void *place = heap->at ? heap->at + heap->size : NULL;
    heap->size += (bytes + 63) / 64 * 64;
    return place;
}

static Picture *lay_out(Heap *heap, const Decoder *decoder, const Settings *settings, int pool, Room *room)
{
    const size_t width = decoder->width, cells = decoder->cells, depth = decoder->project.in;
    const size_t rows = (size_t)pool * settings->beam, wider = rows > cells ? rows : cells;
    const size_t widest = 4 * width > depth ? 4 * width : depth;
    room->stream = taken(heap, 4 * wider * width);
    room->wide = taken(heap, 4 * wider * 4 * width);
    room->found_in = taken(heap, 4 * rows * width);
    room->own = taken(heap, 4 * widest);
    room->worth = taken(heap, 4 * wider);
    room->logits = taken(heap, 4 * (size_t)AT_ONCE * decoder->output.out);
    room->tops = taken(heap, 4 * (size_t)decoder->output.out / 64);
    room->whole = taken(heap, 2 * wider * widest);
    room->banned = taken(heap, 4 * (MOST_WORDS + 8));
    room->found = taken(heap, 4 * rows);
    room->best = taken(heap, sizeof(Choice) * rows * settings->width);
    Picture *pictures = taken(heap, sizeof(Picture) * (size_t)pool);
    const size_t slots = (size_t)(settings->most_words + 1) * settings->beam;
    for (int one = 0; one < pool; one++) {
        uint16_t *keys = taken(heap, 2 * decoder->layers * width * decoder->places);
        uint16_t *values = taken(heap, 2 * decoder->layers * width * cells);
        float *words = taken(heap, 4 * decoder->layers * 2 * slots * width);
        if (heap->at) {
            pictures[one].keys = keys;
            pictures[one].values = values;
            pictures[one].words = words;
        }
    }
    return pictures;
}

static void search_all(
    const Decoder *decoder, const Settings *settings, const float *features, Py_ssize_t count, int pool, int bits,
    Picture *pictures, Room *room, Beams *beams)
{
#ifdef COMPILED
    Picture *open[ROWS];
    for (int one = 0; one < pool; one++)
        open[one] = &pictures[one];
    Py_ssize_t next = 0;
    int busy = 0;
    while (busy || next < count) {
        while (busy < pool && next < count) {
            Picture *picture = open[busy++];
            picture->number = next++;
            picture->age = picture->done = 0;
            picture->live = 1;
            picture->captions[0].score = 0;
            (bits == 512 ? see_512 : see_256)(
                decoder, features + (size_t)picture->number * decoder->cells * decoder->project.in, picture, room);
        }
        (bits == 512 ? advance_512 : advance_256)(decoder, settings, open, busy, room);
        for (int one = busy - 1; one >= 0; one--)
            if (extend(settings, open[one], room, beams)) {
                Picture *done = open[one];
                open[one] = open[--busy];
                open[busy] = done;
            }
    }
#else
    (void)decoder, (void)settings, (void)features, (void)count, (void)pool, (void)bits, (void)pictures, (void)room, (void)beams;
#endif
}

/* The parts of a model, in the order of compiled_search.py, read one after another. */
typedef struct {
    PyObject *parts;
    Py_buffer held[64 + 32 * MOST_LAYERS];
    Py_ssize_t at, most;
    int wrong;
} Parts;

static const void *part(Parts *parts, size_t bytes)
{
    if (parts->wrong || parts->at >= parts->most) {
        parts->wrong = 1;
        return NULL;
    }
    PyObject *one = PySequence_GetItem(parts->parts, parts->at);
    if (!one || PyObject_GetBuffer(one, &parts->held[parts->at], PyBUF_SIMPLE) < 0) {
        PyErr_Clear();
        Py_XDECREF(one);
        parts->wrong = 1;
        return NULL;
    }
    Py_DECREF(one);
    const Py_buffer *held = &parts->held[parts->at++];
    parts->wrong |= (size_t)held->len != bytes;
    return held->buf;
}

static Norm norm_of(Parts *parts, int width)
{
    const float *weight = part(parts, 4 * (size_t)width);
    return (Norm){weight, part(parts, 4 * (size_t)width)};
}

static Linear linear_of(Parts *parts, int in, int out)
{
    const int16_t *weight = part(parts, 2 * (size_t)in * out);
    const float *worth = part(parts, 4 * (size_t)out);
    return (Linear){weight, worth, part(parts, 4 * (size_t)out), in, out};
}

static void decoder_of(Parts *parts, Decoder *decoder, int depth, int vocabulary, int positions)
{
    const int width = decoder->width;
    decoder->features = norm_of(parts, depth);
    decoder->project = linear_of(parts, depth, width);
    decoder->places_of_cells = part(parts, 4 * (size_t)decoder->cells * width);
    decoder->words = part(parts, 4 * (size_t)vocabulary * width);
    decoder->positions = part(parts, 4 * (size_t)positions * width);
    for (int number = 0; number < decoder->layers; number++) {
        Layer *layer = &decoder->layer[number];
        layer->norm_self = norm_of(parts, width);
        layer->norm_cross = norm_of(parts, width);
        layer->norm_feed = norm_of(parts, width);
        layer->norm_memory = norm_of(parts, width);
        layer->self_in = linear_of(parts, width, 3 * width);
        layer->self_out = linear_of(parts, width, width);
        layer->query = linear_of(parts, width, width);
        layer->memory = linear_of(parts, width, 2 * width);
        layer->cross_out = linear_of(parts, width, width);
        layer->feed = linear_of(parts, width, 4 * width);
        layer->feed_out = linear_of(parts, 4 * width, width);
    }
    decoder->last = norm_of(parts, width);
    decoder->output = linear_of(parts, width, (vocabulary + 63) / 64 * 64);
    parts->wrong |= parts->at != parts->most;
}

static PyObject *search(PyObject *self, PyObject *arguments)
{
    (void)self;
    PyObject *model, *bad_endings;
    Py_buffer features, outs[4], endings = {0};
    Decoder decoder = {0};
    Settings settings = {0};
    int depth, vocabulary, positions, bits;
    if (!PyArg_ParseTuple(
            arguments, "O(iiiiii)y*(iiif)Oiw*w*w*w*", &model, &decoder.layers, &decoder.width, &decoder.cells, &depth,
            &vocabulary, &positions, &features, &settings.beam, &settings.most_words, &settings.may_start,
            &settings.penalty, &bad_endings, &bits, &outs[0], &outs[1], &outs[2], &outs[3]))
        return NULL;
    Parts *parts = PyMem_Calloc(1, sizeof *parts);
    char *memory = NULL;
    const char *wrong = "the parts of the model do not fit";
    if (!parts)
        goto end;
    parts->parts = model;
    parts->most = PySequence_Size(model);
    if (decoder.layers < 1 || decoder.layers > MOST_LAYERS || decoder.width < HEAD || decoder.width % HEAD || depth < 32
        || depth % 32 || decoder.cells < 1 || decoder.cells > CELLS || vocabulary <= UNKNOWN_ID
        || parts->most > (Py_ssize_t)(sizeof parts->held / sizeof *parts->held))
        goto end;
    decoder.places = (decoder.cells + 31) / 32 * 32;
    decoder_of(parts, &decoder, depth, vocabulary, positions);
    if (parts->wrong)
        goto end;
    wrong = "the settings, or the room for the captions, do not fit";
    const Py_ssize_t size = 4 * (Py_ssize_t)decoder.cells * depth, count = features.len / size;
    const Py_ssize_t places = count * settings.beam;
    if (settings.beam < 1 || settings.beam > MOST_BEAM || settings.most_words < 1 || settings.most_words > MOST_WORDS
        || settings.most_words > positions || settings.beam > vocabulary || features.len != count * size
        || outs[0].len != 8 * places * settings.most_words || outs[1].len != 4 * places || outs[2].len != 4 * places
        || outs[3].len != places || bits > bits_here() || (bits != 256 && bits != 512))
        goto end;
    if (bad_endings != Py_None) {
        if (PyObject_GetBuffer(bad_endings, &endings, PyBUF_SIMPLE) < 0) {
            PyErr_Clear();
            goto end;
        }
        if (endings.len != vocabulary)
            goto end;
        settings.bad_endings = endings.buf;
    }
    settings.width = 2 * settings.beam < vocabulary ? 2 * settings.beam : vocabulary;
    int pool = ROWS / settings.beam;
    if (pool > count)
        pool = count > 0 ? (int)count : 1;
    Room room;
    Heap heap = {NULL, 0};
    lay_out(&heap, &decoder, &settings, pool, &room);
    memory = PyMem_Malloc(heap.size + 64);
    if (!memory) {
        wrong = NULL;
        goto end;
    }
    heap = (Heap){memory + 64 - (uintptr_t)memory % 64, 0};
    Beams beams = {outs[0].buf, outs[1].buf, outs[2].buf, outs[3].buf};
    Picture *pictures = lay_out(&heap, &decoder, &settings, pool, &room);
    Py_BEGIN_ALLOW_THREADS
    search_all(&decoder, &settings, features.buf, count, pool, bits, pictures, &room, &beams);
    Py_END_ALLOW_THREADS
    wrong = "";
end:
    if (wrong && *wrong)
        PyErr_SetString(PyExc_ValueError, wrong);
    else if (!wrong || !parts)
        PyErr_NoMemory();
    const int fine = wrong && !*wrong;
    for (Py_ssize_t at = 0; parts && at < parts->at; at++)
        PyBuffer_Release(&parts->held[at]);
    PyMem_Free(parts);
    PyMem_Free(memory);
    if (endings.obj)
        PyBuffer_Release(&endings);
    PyBuffer_Release(&features);
    for (int one = 0; one < 4; one++)
        PyBuffer_Release(&outs[one]);
    if (!fine)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *bits(PyObject *self, PyObject *nothing)
{
    (void)self, (void)nothing;
    return PyLong_FromLong(bits_here());
}

static PyMethodDef methods[] = {
    {"search", search, METH_VARARGS, "The captions of pictures, see compiled_search.py."},
    {"bits", bits, METH_NOARGS, "How many bits the registers have that are used on this processor; 0: none."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_decoder", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__decoder(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made && PyModule_AddIntConstant(made, "REVISION", REVISION) < 0)
        Py_CLEAR(made);
    return made;
}
