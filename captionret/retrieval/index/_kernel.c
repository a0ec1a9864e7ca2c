/* The best rows of a gallery by Jaccard similarity of word sets, or by any sum over words' weights (Jaccard
 * similarity, cosine, BM25), exact, without a score for every row.
 *
 * Sets: rows are taken 16,384 at a time. A word's rows are bits; the number of a query's words that each row holds is
 * counted for 64 rows at once, a bit plane for each binary digit. Only rows that hold so many that they could
 * still be among the best are scored. Where these lack so few words that they hold some of the rarest, only rows in
 * these words' lists are looked at. Sums: the words that together are too light to make a row one of the best
 * are only looked up in rows that hold others (MaxScore); what a row has to score is known before the first block, from
 * the rows that hold the rarest words. captionret/retrieval/index/best.py does the same without a compiler.
 */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define ROWS 16384           /* of a block */
#define LONGS (ROWS / 64)
#define PLANES 7             /* digits of a count: at most 127 words */
#define WORDS 127
#define AT_ONCE 16           /* words that are counted together */
#define WEIGHTED 1024        /* words of a query of weights */
#define SLACK 1e-4           /* of a bound out of float32 */
/* Nanoseconds, about, by which the cheaper way to search a block is chosen: through lists for each of their rows, for
 * each where one word makes it likely, and besides; in bits for each row of the lists, for each word, and besides */
#define PER_SCANNED 1.7
#define PER_LIKELY 6.0
#define LISTS_TAKE 700.0
#define PER_LISTED 1.3
#define PER_WORD 60.0
#define BITS_TAKE 600.0
#define SEEN 256             /* bytes of a word's bits, for a guess at how many rows hold it */
#define SIZES 64             /* of rows, that are told apart */
#define LIKELY 64            /* rows that are scored before all others */

#if defined(__GNUC__) && defined(__x86_64__) && !defined(__clang__)
#define FAST __attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3")))
#define REGISTER 64          /* bytes */
#else
#define FAST
#define REGISTER 32
#endif
#if defined(__GNUC__)
#define FETCH(address) __builtin_prefetch(address)
#else
#define FETCH(address) (void)(address)
#endif

typedef struct {
    const uint8_t *bits;     /* one for every row, or NULL */
    const int32_t *rows;     /* ascending, where there are no bits */
    Py_ssize_t count, at, end; /* of these, how many were read, and where the block's end */
} Word;

typedef struct {
    float score;
    int32_t row;
} Hit;

typedef struct {
    Hit *hits;               /* a heap, the worst first */
    int count, most;
    float least;             /* scores below it are none */
} Best;

static int is_worse(Hit a, Hit b)
{
    return a.score < b.score || (a.score == b.score && a.row > b.row);
}

static void sink(Best *best, int place)
{
    for (;;) {
        int child = 2 * place + 1;
        if (child >= best->count)
            return;
        if (child + 1 < best->count && is_worse(best->hits[child + 1], best->hits[child]))
            child++;
        if (!is_worse(best->hits[child], best->hits[place]))
            return;
        Hit other = best->hits[child];
        best->hits[child] = best->hits[place];
        best->hits[place] = other;
        place = child;
    }
}

static void offer(Best *best, float score, int32_t row)
{
    Hit hit = {score, row};
    if (score < best->least)
        return;
    if (best->count < best->most) {
        int place = best->count++;
        while (place && is_worse(hit, best->hits[(place - 1) / 2])) {
            best->hits[place] = best->hits[(place - 1) / 2];
            place = (place - 1) / 2;
        }
        best->hits[place] = hit;
    } else if (is_worse(best->hits[0], hit)) {
        best->hits[0] = hit;
        sink(best, 0);
    }
}

/* A row that scores less is none of the best */
static float least_of(const Best *best)
{
    return best->count == best->most ? best->hits[0].score : best->least;
}

/* As many rows as a register takes at a time, from any address */
#if defined(__GNUC__)
typedef uint64_t Many __attribute__((vector_size(REGISTER), aligned(1), may_alias));
#else
typedef uint64_t Many;
#endif
#define EACH_MANY(at) for (int at = 0; at < LONGS; at += (int)(sizeof(Many) / 8))
#define MANY(place) (*(Many *)(place))

/* Add some words' bits to the counts, or begin to count with them. digits: of the largest count there may be then. The
 * digits of a register's rows stay in registers until all words are added. */
FAST static void add(uint64_t planes[PLANES][LONGS], const uint64_t *const *bits, int words, int digits, int begin)
{
#define ADD(DIGITS)                                                                                                    \
    EACH_MANY(at) {                                                                                                    \
        Many plane[DIGITS];                                                                                            \
        for (int digit = 0; digit < DIGITS; digit++)                                                                   \
            plane[digit] = begin ? (Many){0} : MANY(&planes[digit][at]);                                               \
        for (int word = 0; word < words; word++) {                                                                     \
            Many carry = MANY(bits[word] + at);                                                                        \
            for (int digit = 0; digit < DIGITS; digit++) {                                                             \
                Many both = plane[digit] & carry;                                                                      \
                plane[digit] ^= carry;                                                                                 \
                carry = both;                                                                                          \
            }                                                                                                          \
        }                                                                                                              \
        for (int digit = 0; digit < DIGITS; digit++)                                                                   \
            MANY(&planes[digit][at]) = plane[digit];                                                                   \
    }
    switch (digits) {
    case 1: ADD(1) break;
    case 2: ADD(2) break;
    case 3: ADD(3) break;
    case 4: ADD(4) break;
    case 5: ADD(5) break;
    case 6: ADD(6) break;
    default: ADD(7) break;
    }
#undef ADD
}

/* Where the count is at least `least`, and where it was not found so before: that is added to `before` */
FAST static void at_least(
    uint64_t planes[PLANES][LONGS], uint64_t *found, uint64_t *before, const uint64_t *allowed, int least, int digits)
{
    EACH_MANY(at) {
        Many more = {0}, equal = ~more;
        for (int digit = digits - 1; digit >= 0; digit--) {
            Many plane = MANY(&planes[digit][at]);
            if (least >> digit & 1) {
                equal &= plane;
            } else {
                more |= equal & plane;
                equal &= ~plane;
            }
        }
        more = (more | equal) & ~MANY(before + at);
        MANY(before + at) |= more;
        if (allowed)
            more &= MANY(allowed + at);
        MANY(found + at) = more;
    }
}

static int lowest(uint64_t bits)
{
#if defined(__GNUC__)
    return __builtin_ctzll(bits);
#else
    int place = 0;
    while (!(bits >> place & 1))
        place++;
    return place;
#endif
}

static int64_t size_of(const void *sizes, int width, Py_ssize_t row)
{
    return width == 1 ? ((const uint8_t *)sizes)[row]
         : width == 2 ? ((const uint16_t *)sizes)[row] : ((const uint32_t *)sizes)[row];
}

/* The best score of a row of a block that holds `count` of the words; no row there has fewer than `smallest` */
static float bound(int count, int asked, int64_t smallest)
{
    int64_t size = count > smallest ? count : smallest;
    return (float)count / (float)(asked + size - count);
}

static Py_ssize_t first_from(const int32_t *rows, Py_ssize_t low, Py_ssize_t high, int32_t row)
{
    while (low < high) {
        Py_ssize_t middle = low + (high - low) / 2;
        if (rows[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Where a word's rows of a block end that ends at `last` */
static Py_ssize_t end_of_block(const Word *word, Py_ssize_t last)
{
    Py_ssize_t low = word->at, step = 1;
    if (last > INT32_MAX)
        return word->count;
    while (low + step < word->count && word->rows[low + step] < last) {
        low += step;
        step *= 2;
    }
    return first_from(word->rows, low, low + step < word->count ? low + step : word->count, (int32_t)last);
}

typedef struct {
    Word words[WORDS];       /* lists from the shortest on, then those that are bits */
    int count, lists;        /* of the words, and how many of them are lists */
    int asked, width;        /* words that no row holds included; bytes of a size */
    const void *sizes;       /* how many words each row has */
    const uint8_t *smallest; /* of each block's sizes, see best.py */
    const uint8_t *allowed;  /* a bit for every row, or NULL */
    Py_ssize_t total, bytes; /* of the rows, and of a bit for each */
    uint8_t needed[SIZES];   /* words that a row of each size has to hold to score `least`; the last one: or larger */
    float least;
} Query;

/* A word's rows of a block as bits: its own where they are there whole, else in `room`; NULL where there are none. */
static const uint64_t *block_bits(Word *word, Py_ssize_t first, Py_ssize_t rows, Py_ssize_t bytes, uint64_t *room)
{
    if (word->bits) {
        Py_ssize_t left = bytes - first / 8;
        if (left >= ROWS / 8)
            return (const uint64_t *)(const void *)(word->bits + first / 8);
        memset(room, 0, ROWS / 8);
        memcpy(room, word->bits + first / 8, left);
        return room;
    }
    const int32_t *held = word->rows;
    const Py_ssize_t count = word->count;
    Py_ssize_t at = word->at;
    if (at >= count || held[at] >= first + rows)
        return NULL;
    memset(room, 0, ROWS / 8);
    for (; at < count && held[at] < first + rows; at++) {
        const uint32_t row = (uint32_t)(held[at] - first) % ROWS;
        room[row >> 6] |= (uint64_t)1 << (row & 63);
    }
    word->at = at;
    return room;
}

/* Digits of a number of words */
static int digits_of(int count)
{
    int digits = 1;
    while (count >> digits)
        digits++;
    return digits;
}

/* How many of the words each row of a block holds; the digits of these counts, 0 where no row holds any. */
static int count_block(uint64_t planes[PLANES][LONGS], Query *query, Py_ssize_t first, Py_ssize_t rows)
{
    uint64_t room[AT_ONCE][LONGS];
    const uint64_t *bits[AT_ONCE];
    int held = 0, digits = 0;
    for (int one = 0; one < query->count;) {
        int some = 0, before = digits;
        for (; one < query->count && some < AT_ONCE; one++) {
            const uint64_t *found = block_bits(&query->words[one], first, rows, query->bytes, room[some]);
            if (found)
                bits[some++] = found;
        }
        if (!some)
            continue;
        held += some;
        digits = digits_of(held);
        for (int digit = before; before && digit < digits; digit++)
            memset(planes[digit], 0, sizeof planes[digit]);
        add(planes, bits, some, digits, !before);
    }
    return digits;
}

/* Finds how many words a row has to hold to be one of the best, which have become better. */
static void raise_needs(Query *query, const Best *best)
{
    const float least = least_of(best);
    int count = 1;
    if (query->least == least)
        return;
    for (int size = 0; size < SIZES; size++) {
        while (count <= query->count && bound(count, query->asked, size) < least)
            count++;
        query->needed[size] = (uint8_t)count;
    }
    query->least = least;
}

/* Asks the memory for a row's size, to be read soon. */
static void fetch_size(const Query *query, Py_ssize_t row)
{
    FETCH((const uint8_t *)query->sizes + row * query->width);
}

/* How many words a row has to hold to be one of the best, or fewer */
static int needed_by(const Query *query, Py_ssize_t row)
{
    const int64_t size = size_of(query->sizes, query->width, row);
    return query->needed[size < SIZES ? size : SIZES - 1];
}

static void offer_row(Best *best, const Query *query, Py_ssize_t row, int count)
{
    offer(best, (float)count / (float)(query->asked + size_of(query->sizes, query->width, row) - count), (int32_t)row);
}

static int count_of(uint64_t planes[PLANES][LONGS], int place, int digits)
{
    int count = 0;
    for (int digit = 0; digit < digits; digit++)
        count |= (int)(planes[digit][place >> 6] >> (place & 63) & 1) << digit;
    return count;
}

/* Scores the rows of a block that were found. Most are too long: these are left out without a branch. */
static void score_block(Best *best, uint64_t planes[PLANES][LONGS], const uint64_t *found, Py_ssize_t first,
                        Query *query, int digits)
{
    uint16_t places[ROWS + 1];
    int count = 0, left = 0;
    for (int at = 0; at < LONGS; at++)
        for (uint64_t bits = found[at]; bits; bits &= bits - 1) {
            fetch_size(query, first + 64 * at + lowest(bits));
            places[count++] = (uint16_t)(64 * at + lowest(bits));
        }
    for (int one = 0; one < count; one++) {
        const int place = places[one];
        places[left] = (uint16_t)place;
        left += count_of(planes, place, digits) >= needed_by(query, first + place);
    }
    for (int one = 0; one < left; one++)
        offer_row(best, query, first + places[one], count_of(planes, places[one], digits));
}

/* How many words a row of the next block has to hold to be one of the best; more than the query has where none is */
static int fewest(const Best *best, const Query *query, int64_t smallest)
{
    const int is_full = best->count == best->most; /* later rows lose against equal scores */
    const float least = least_of(best);
    int count = 1;
    while (count <= query->count
           && !(is_full ? bound(count, query->asked, smallest) > least : bound(count, query->asked, smallest) >= least))
        count++;
    return count;
}

/* The best of a block's rows; every word is counted in all of them, in bits. */
static void search_bits(Best *best, Query *query, int least, Py_ssize_t first, Py_ssize_t rows)
{
    uint64_t planes[PLANES][LONGS], mask[LONGS], found[LONGS], left[LONGS];
    const int small = query->smallest[first / ROWS], digits = count_block(planes, query, first, rows);
    if (!digits || least >> digits)
        return;
    memset(left, 0, sizeof left);
    if (query->allowed) {
        Py_ssize_t rest = query->bytes - first / 8;
        memset(mask, 0, sizeof mask);
        memcpy(mask, query->allowed + first / 8, rest < ROWS / 8 ? rest : ROWS / 8);
    }
    int most = (1 << digits) - 1 < query->count ? (1 << digits) - 1 : query->count;
    for (int count = best->count == best->most || least > 1 ? least : most; count >= least; count--) {
        /* the rows that hold most words first, until there are enough */
        at_least(planes, found, left, query->allowed ? mask : NULL, count, digits);
        score_block(best, planes, found, first, query, digits);
        if (best->count == best->most && bound(count - 1, query->asked, small) < best->hits[0].score)
            break;
    }
}

static int holds(const Word *word, int32_t row)
{
    if (word->bits)
        return word->bits[row >> 3] >> (row & 7) & 1;
    Py_ssize_t place = first_from(word->rows, word->at, word->end, row);
    return place < word->end && word->rows[place] == row;
}

/* Looks for the other words in rows of a block that hold some of the first words, `scanned` lists. */
static void look_up(Best *best, Query *query, int scanned, Py_ssize_t first, const uint8_t *counts, uint16_t *likely,
                    int found)
{
    const int rest = query->count - scanned;
    int left = 0;
    for (int one = 0; one < found; one++) {
        const int place = likely[one];
        likely[left] = (uint16_t)place;
        left += counts[place] + rest >= needed_by(query, first + place);
    }
    for (int one = 0; one < left; one++) {
        const Py_ssize_t row = first + likely[one];
        int count = counts[likely[one]], other = scanned, lacked = count + rest - needed_by(query, row);
        for (; other < query->count && lacked >= 0; other++) {
            const int is_held = holds(&query->words[other], (int32_t)row);
            count += is_held;
            lacked -= !is_held;
        }
        if (lacked >= 0 && (!query->allowed || query->allowed[row >> 3] >> (row & 7) & 1))
            offer_row(best, query, row, count);
    }
}

/* The best of a block's rows where one has to hold `enough` of the first words, `scanned` lists: no others are looked
 * at. counts: of each row, all 0 before and after */
static void search_lists(Best *best, Query *query, int scanned, int enough, Py_ssize_t first, Py_ssize_t rows,
                         uint8_t *counts)
{
    uint16_t likely[ROWS + 1];
    int found = 0, fetched = 0;
    for (int one = 0; one < scanned; one++) {
        Word *word = &query->words[one];
        const int32_t *held = word->rows;
        const Py_ssize_t count = word->count;
        Py_ssize_t at = word->at;
        for (; at < count && held[at] < first + rows; at++) {
            const uint32_t place = (uint32_t)(held[at] - first) % ROWS;
            likely[found] = (uint16_t)place;
            found += ++counts[place] == enough;
        }
        word->at = at;
        for (; fetched < found; fetched++)
            fetch_size(query, first + likely[fetched]);
    }
    for (int one = scanned; one < query->lists; one++)
        query->words[one].end = end_of_block(&query->words[one], first + rows);
    look_up(best, query, scanned, first, counts, likely, found);
    for (int one = scanned; one < query->lists; one++)
        query->words[one].at = query->words[one].end;
    memset(counts, 0, ROWS);
}

/* How many lists to go through, where a row has to hold `least` words, and `enough` of them; 0: better in bits. listed:
 * rows of the first words together, of one and more */
static int lists_to_scan(const Query *query, const Py_ssize_t *listed, int least, int *enough)
{
    const int lacked = query->count - least; /* so many words a row may lack */
    const double blocks = (double)query->total / ROWS;
    double cost = PER_LISTED * listed[query->lists] + (BITS_TAKE + PER_WORD * query->count) * blocks;
    int chosen = 0;
    for (int need = 1; need <= 3 && lacked + need <= query->lists; need++) {
        const double other = (PER_SCANNED + (need == 1 ? PER_LIKELY : 0)) * listed[lacked + need] + LISTS_TAKE * blocks;
        if (other < cost) {
            cost = other;
            chosen = lacked + need;
            *enough = need;
        }
    }
    return chosen;
}

static void search(Best *best, Query *query)
{
    Py_ssize_t listed[WORDS + 1] = {0}; /* rows of the first words together */
    uint8_t counts[ROWS] = {0};
    query->least = -1;
    for (int one = 0; one < query->lists; one++)
        listed[one + 1] = listed[one] + query->words[one].count;
    for (Py_ssize_t first = 0; first < query->total; first += ROWS) {
        Py_ssize_t rows = query->total - first < ROWS ? query->total - first : ROWS;
        int enough = 0;
        raise_needs(query, best);
        const int least = fewest(best, query, query->smallest[first / ROWS]);
        if (least > query->count) {
            for (int one = 0; one < query->lists; one++)
                query->words[one].at = end_of_block(&query->words[one], first + rows);
            continue;
        }
        const int scanned = lists_to_scan(query, listed, least, &enough);
        if (scanned)
            search_lists(best, query, scanned, enough, first, rows, counts);
        else
            search_bits(best, query, least, first, rows);
    }
}

static PyObject *taken(Best *best)
{
    PyObject *found = PyList_New(best->count);
    for (Py_ssize_t place = best->count - 1; found && place >= 0; place--) {
        Hit worst = best->hits[0];
        best->hits[0] = best->hits[--best->count];
        sink(best, 0);
        PyObject *pair = Py_BuildValue("(if)", (int)worst.row, worst.score);
        if (!pair || PyList_SetItem(found, place, pair)) {
            Py_DECREF(found);
            return NULL;
        }
    }
    return found;
}

static int are_inside(const int32_t *rows, Py_ssize_t count, Py_ssize_t all)
{
    return !count || (rows[0] >= 0 && rows[count - 1] < all);
}

/* How many of some first rows hold a word that is bits, in proportion to all */
static Py_ssize_t about_held(const uint8_t *bits, Py_ssize_t bytes)
{
    const Py_ssize_t seen = bytes < SEEN ? bytes : SEEN;
    Py_ssize_t held = 0;
    for (Py_ssize_t byte = 0; byte < seen; byte++)
        for (unsigned left = bits[byte]; left; left &= left - 1)
            held++;
    return seen ? held * bytes / seen : 0;
}

/* Lists before bits, and what few rows hold first */
static int is_before(const Word *word, const Word *other)
{
    return !word->bits == !other->bits ? word->count < other->count : !word->bits;
}

/* Puts a word where it belongs among those that were read. */
static int read_set_word(PyObject *given, Query *query, Py_buffer *buffer)
{
    PyObject *array;
    int is_bits, place = query->count;
    if (!PyArg_ParseTuple(given, "Op", &array, &is_bits) || PyObject_GetBuffer(array, buffer, PyBUF_SIMPLE))
        return 0;
    Word word = {is_bits ? buffer->buf : NULL, is_bits ? NULL : buffer->buf, 0, 0, 0};
    if (is_bits && buffer->len < query->bytes) {
        PyErr_SetString(PyExc_ValueError, "a word has too few bits");
    } else if (!is_bits && !are_inside(word.rows, buffer->len / 4, query->total)) {
        PyErr_SetString(PyExc_ValueError, "a word names rows that there are not");
    } else {
        word.count = is_bits ? about_held(word.bits, query->bytes) : buffer->len / 4;
        for (; place && is_before(&word, &query->words[place - 1]); place--)
            query->words[place] = query->words[place - 1];
        query->words[place] = word;
        query->count++;
        query->lists += word.rows != NULL;
        return 1;
    }
    PyBuffer_Release(buffer);
    return 0;
}

/* best_sets(words, asked, sizes, smallest, allowed, top, least) -> [(row, score), ...], the best first */
static PyObject *best_sets(PyObject *self, PyObject *arguments)
{
    (void)self;
    PyObject *given, *allowed_given, *result = NULL;
    Py_buffer sizes, smallest, allowed, buffers[WORDS];
    Query query = {.count = 0};
    int top;
    float least;
    if (!PyArg_ParseTuple(arguments, "O!iy*y*Oif", &PyList_Type, &given, &query.asked, &sizes, &smallest,
                          &allowed_given, &top, &least))
        return NULL;
    Py_ssize_t count = PyList_Size(given);
    const int is_limited = allowed_given != Py_None;
    query.width = (int)sizes.itemsize;
    query.total = smallest.len ? sizes.len / sizes.itemsize : 0;
    query.bytes = (query.total + 7) / 8;
    query.sizes = sizes.buf;
    query.smallest = smallest.buf;
    Best best = {PyMem_Malloc((top > 0 ? top : 1) * sizeof(Hit)), 0, top, least};
    if (is_limited && PyObject_GetBuffer(allowed_given, &allowed, PyBUF_SIMPLE))
        goto end;
    query.allowed = is_limited ? allowed.buf : NULL;
    if (count > WORDS || top < 1 || !best.hits || query.total > INT32_MAX
        || (is_limited && allowed.len < query.bytes) || smallest.len < (query.total + ROWS - 1) / ROWS
        || sizes.itemsize > 4) {
        PyErr_SetString(PyExc_ValueError, "too many words, or arrays that do not fit");
        goto close;
    }
    while (query.count < count)
        if (!read_set_word(PyList_GetItem(given, query.count), &query, &buffers[query.count]))
            goto close;
    Py_BEGIN_ALLOW_THREADS
    search(&best, &query);
    Py_END_ALLOW_THREADS
    result = taken(&best);
close:
    for (int one = 0; one < query.count; one++)
        PyBuffer_Release(&buffers[one]);
    if (is_limited)
        PyBuffer_Release(&allowed);
end:
    PyMem_Free(best.hits);
    PyBuffer_Release(&sizes);
    PyBuffer_Release(&smallest);
    return result;
}

/* ---- sums over words ---- */

enum { JACCARD, RATIO, PLAIN };

typedef struct {
    const int32_t *rows;     /* ascending; NULL where there are bits, or a weight for every row */
    const uint8_t *bits;     /* one for every row, or NULL */
    const float *weights;    /* of the rows, or of all; NULL: all weigh `constant` */
    const int32_t *others;   /* ascending rows among these that weigh something else */
    const float *of_others;
    Py_ssize_t count, at, end; /* of rows, and the part of the block */
    Py_ssize_t other_count, other_at, other_end;
    float constant, asked;   /* the query's weight */
    double most;             /* that it adds to a row */
} Weighted;

typedef struct {
    int kind, products;      /* what a word adds is the product of the two weights, else the smaller one */
    double total, offset;    /* JACCARD: of the query; RATIO: what is taken from a sum, and the query's length */
    const double *each;      /* JACCARD: total of each row; RATIO: its length; PLAIN: NULL */
    const double *smallest;  /* RATIO: the smallest length of each block */
} Scoring;

static float term(const Scoring *scoring, const Weighted *word, float weight)
{
    if (scoring->products)
        return weight * word->asked;
    return weight < word->asked ? weight : word->asked;
}

/* What a word adds to a row of the block */
static float added(const Scoring *scoring, const Weighted *word, int32_t row)
{
    Py_ssize_t place = row;
    if (word->bits) {
        if (!(word->bits[row >> 3] >> (row & 7) & 1))
            return 0;
    } else if (word->rows) {
        place = first_from(word->rows, word->at, word->end, row);
        if (place == word->end || word->rows[place] != row)
            return 0;
    }
    if (word->weights)
        return term(scoring, word, word->weights[place]);
    place = first_from(word->others, word->other_at, word->other_end, row);
    if (place < word->other_end && word->others[place] == row)
        return term(scoring, word, word->of_others[place]);
    return term(scoring, word, word->constant);
}

static double score_of(const Scoring *scoring, double sum, Py_ssize_t row)
{
    if (scoring->kind == JACCARD)
        return sum / (scoring->each[row] + scoring->total - sum);
    if (scoring->kind == PLAIN)
        return sum;
    double length = scoring->each[row] * scoring->total;
    if (!(length > 1e-9))
        return 0;
    double score = (sum - scoring->offset) / length;
    return score > 1 ? 1 : score < -1 ? -1 : score;
}

/* A row of a block whose sum is not above it scores less than `least` */
static double too_little(const Scoring *scoring, float least, Py_ssize_t block)
{
    double sum = least * (1 - 1e-5);
    if (scoring->kind == JACCARD)
        return sum * scoring->total;
    if (scoring->kind == RATIO)
        return sum * scoring->total * scoring->smallest[block] + scoring->offset * (1 - 1e-5);
    return sum;
}

/* Words that may be left to be looked up: together they are too light to make a row one of the best. They stand
 * in `words` from the first on; the others' rows are read. */
static int spared(const Weighted *words, int count, double little)
{
    double sum = 0;
    int one = 0;
    while (one < count && sum + words[one].most <= little)
        sum += words[one++].most;
    return one;
}

static int could_be_best(const Scoring *scoring, double most, Py_ssize_t row, float least)
{
    most *= 1 + 1e-4; /* it was summed in float32 */
    if (scoring->kind == JACCARD && most > scoring->total)
        most = scoring->total;
    if (scoring->kind == RATIO && !(scoring->each[row] * scoring->total > 1e-9))
        return 1;
    return score_of(scoring, most, row) * (1 + 1e-6) >= least;
}

static double exact(const Scoring *scoring, const Weighted *words, const int *spelling, int count, int32_t row)
{
    double sum = 0; /* in float64, by spelling, as the index does for all rows */
    for (int one = 0; one < count; one++)
        sum += (double)added(scoring, &words[spelling[one]], row);
    return sum;
}

/* Sums of a block's rows; all are 0 but those of `count` rows */
typedef struct {
    float of[ROWS];
    int32_t rows[ROWS + 1], count;
    int32_t found[ROWS + 1];
} Sums;

/* There is no branch here and in find(), for the processor would guess half of them wrong. */
static void sum_up(Sums *sums, Py_ssize_t row, float more)
{
    sums->rows[sums->count] = (int32_t)row;
    sums->count += (sums->of[row] == 0) & (more > 0);
    sums->of[row] += more > 0 ? more : 0;
}

/* What a word adds to the rows of a block, added to their sums. What weighs less than usual counts as usual: sums are
 * bounds. */
static void sum_heavy(const Scoring *scoring, const Weighted *word, Py_ssize_t first, Py_ssize_t rows, Sums *sums)
{
    const float usual = term(scoring, word, word->constant);
    if (word->bits) {
        for (Py_ssize_t byte = 0; byte < (rows + 7) / 8; byte++)
            for (unsigned left = word->bits[first / 8 + byte]; left; left &= left - 1) {
                Py_ssize_t row = 8 * byte + lowest(left);
                sum_up(sums, row, word->weights ? term(scoring, word, word->weights[first + row]) : usual);
            }
    } else if (!word->rows) {
        for (Py_ssize_t row = 0; row < rows; row++)
            sum_up(sums, row, term(scoring, word, word->weights[first + row]));
    } else if (word->weights) {
        for (Py_ssize_t place = word->at; place < word->end; place++)
            sum_up(sums, word->rows[place] - first, term(scoring, word, word->weights[place]));
    } else {
        for (Py_ssize_t place = word->at; place < word->end; place++)
            sum_up(sums, word->rows[place] - first, usual);
    }
    for (Py_ssize_t place = word->other_at; !word->weights && place < word->other_end; place++) {
        sum_up(sums, word->others[place] - first, term(scoring, word, word->of_others[place]) - usual);
    }
}

/* A row needs a sum of at least `each` times its own length + `always` */
typedef struct {
    double each, always;
} Needed;

static Needed needed(const Scoring *scoring, float least, double rest)
{
    Needed found = {0, least};
    if (scoring->kind == JACCARD) {
        found.each = least / (1.0 + least);
        found.always = found.each * scoring->total;
    } else if (scoring->kind == RATIO) {
        found.each = least * scoring->total;
        found.always = scoring->offset;
    }
    found.each *= 1 - SLACK; /* sums are float32 */
    found.always -= SLACK * (found.always < 0 ? -found.always : found.always) + rest;
    return found;
}

/* The rows of a block that with `rest` more could score `least`; how many they are. Their sums stay. */
static int find(const Scoring *scoring, Sums *sums, Py_ssize_t first, Needed least)
{
    const double *lengths = scoring->kind == PLAIN ? NULL : scoring->each + first;
    int count = 0;
    for (int one = 0; one < sums->count; one++) {
        const int32_t row = sums->rows[one];
        sums->found[count] = row;
        count += sums->of[row] >= (lengths ? least.each * lengths[row] : 0) + least.always;
    }
    return count;
}

/* Sums of 0 for the next block */
static void clear(Sums *sums)
{
    for (int one = 0; one < sums->count; one++)
        sums->of[sums->rows[one]] = 0;
    sums->count = 0;
}

/* Every word's part of a block of rows; what it adds of the first `light` words to a row at the most */
static double enter_block(Weighted *words, int count, int light, Py_ssize_t first, Py_ssize_t rows)
{
    double rest = 0;
    for (int one = 0; one < count; one++) {
        Weighted *word = &words[one];
        word->at = word->end;
        word->other_at = word->other_end;
        if (word->rows)
            word->end = first_from(word->rows, word->at, word->count, (int32_t)(first + rows));
        word->other_end = first_from(word->others, word->other_at, word->other_count, (int32_t)(first + rows));
        if (one < light)
            rest += word->most;
    }
    return rest;
}

/* All rows are one block (to the end), or none was entered yet */
static void set_range(Weighted *words, int count, int is_whole)
{
    for (int one = 0; one < count; one++) {
        words[one].at = words[one].other_at = 0;
        words[one].end = is_whole ? words[one].count : 0;
        words[one].other_end = is_whole ? words[one].other_count : 0;
    }
}

static int is_allowed(const uint8_t *allowed, Py_ssize_t row)
{
    return !allowed || allowed[row >> 3] >> (row & 7) & 1;
}

/* A score that `best->most` rows reach: of those that the rarest words make most likely, the worst of the best. So rows
 * are passed over from the first block on, however late the best come. */
static float reached(const Best *best, const Scoring *scoring, Weighted *words, const int *spelling, int count,
                     const uint8_t *allowed, Py_ssize_t all, Sums *sums)
{
    Hit likely[LIKELY], scored[LIKELY];
    Best some = {likely, 0, LIKELY, best->least}, few = {scored, 0, best->most, best->least};
    Py_ssize_t budget = all / 32;
    int rare = count;
    while (rare && words[rare - 1].rows && words[rare - 1].count <= budget)
        budget -= words[--rare].count;
    if (best->most > LIKELY / 2 || rare == count)
        return best->least;
    for (Py_ssize_t first = 0; first < all; first += ROWS) {
        Py_ssize_t rows = all - first < ROWS ? all - first : ROWS;
        enter_block(words + rare, count - rare, 0, first, rows);
        for (int one = rare; one < count; one++)
            sum_heavy(scoring, &words[one], first, rows, sums);
        const int found = find(scoring, sums, first, needed(scoring, least_of(&some), 0));
        for (int one = 0; one < found; one++) {
            Py_ssize_t row = first + sums->found[one];
            if (is_allowed(allowed, row))
                offer(&some, (float)score_of(scoring, sums->of[sums->found[one]], row), (int32_t)row);
        }
        clear(sums);
    }
    set_range(words, count, 1);
    for (int one = 0; one < some.count; one++) {
        int32_t row = likely[one].row;
        offer(&few, (float)score_of(scoring, exact(scoring, words, spelling, count, row), row), row);
    }
    return few.count == few.most ? few.hits[0].score : best->least;
}

static void search_sums(Best *best, const Scoring *scoring, Weighted *words, const int *spelling, int count,
                        const uint8_t *allowed, Py_ssize_t all, Sums *sums)
{
    best->least = reached(best, scoring, words, spelling, count, allowed, all, sums);
    set_range(words, count, 0);
    for (Py_ssize_t first = 0; first < all; first += ROWS) {
        Py_ssize_t rows = all - first < ROWS ? all - first : ROWS;
        const double little = too_little(scoring, least_of(best), first / ROWS);
        const int light = spared(words, count, little);
        const double rest = enter_block(words, count, light, first, rows);
        for (int one = light; one < count; one++)
            sum_heavy(scoring, &words[one], first, rows, sums);
        const int found = find(scoring, sums, first, needed(scoring, least_of(best), rest));
        for (int one = 0; one < found; one++) {
            int32_t row = (int32_t)first + sums->found[one];
            double most = sums->of[sums->found[one]] + rest;
            if (!is_allowed(allowed, row))
                continue;
            float least = least_of(best);
            int fits = could_be_best(scoring, most, row, least);
            for (int word = light - 1; fits && word >= 0; word--) {
                most += added(scoring, &words[word], row) - words[word].most;
                fits = could_be_best(scoring, most, row, least);
            }
            if (!fits)
                continue;
            double sum = exact(scoring, words, spelling, count, row);
            float score = (float)score_of(scoring, sum, row);
            if (score > 0)
                offer(best, score, row);
        }
        clear(sums);
    }
}

/* The buffer of an array, or NULL for None; it is held until the end. */
static const void *held_array(PyObject *array, Py_buffer *buffers, int *held, Py_ssize_t width, Py_ssize_t *count)
{
    *count = 0;
    if (array == Py_None || PyObject_GetBuffer(array, &buffers[*held], PyBUF_SIMPLE))
        return NULL;
    *count = buffers[*held].len / width;
    return buffers[(*held)++].buf;
}

/* A word of the query: (rows, bits, weights, constant, others, of others, asked, most) */
static int read_word(PyObject *given, Weighted *word, Py_buffer *buffers, int *held, Py_ssize_t all)
{
    PyObject *rows, *bits, *weights, *others, *of_others;
    Py_ssize_t bytes, weighed, of_other_count;
    memset(word, 0, sizeof *word);
    if (!PyArg_ParseTuple(given, "OOOfOOfd", &rows, &bits, &weights, &word->constant, &others, &of_others,
                          &word->asked, &word->most))
        return 0;
    word->rows = held_array(rows, buffers, held, 4, &word->count);
    word->bits = held_array(bits, buffers, held, 1, &bytes);
    word->weights = held_array(weights, buffers, held, 4, &weighed);
    word->others = held_array(others, buffers, held, 4, &word->other_count);
    word->of_others = held_array(of_others, buffers, held, 4, &of_other_count);
    if (PyErr_Occurred())
        return 0;
    if ((word->bits && bytes < (all + 7) / 8) || (word->weights && weighed != (word->rows ? word->count : all))
        || (!word->rows && !word->bits && !word->weights) || (word->rows && word->bits)
        || of_other_count != word->other_count || !are_inside(word->rows, word->count, all)
        || !are_inside(word->others, word->other_count, all)) {
        PyErr_SetString(PyExc_ValueError, "a word's rows and weights do not fit");
        return 0;
    }
    return 1;
}

/* best_sums(words, spelling, (kind, products, rows, total, offset, each, smallest), allowed, top, least) ->
 * [(row, score), ...], the best first. words: those that most rows hold for their weight first */
static PyObject *best_sums(PyObject *self, PyObject *arguments)
{
    PyObject *given, *order, *each_given, *smallest_given, *allowed_given, *result = NULL;
    Py_buffer *buffers;
    Weighted *words;
    int *spelling, top, held = 0;
    Py_ssize_t all, lengths, blocks, bytes;
    float least;
    Scoring scoring;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "O!O!(iinddOO)Oif", &PyList_Type, &given, &PyList_Type, &order, &scoring.kind,
                          &scoring.products, &all, &scoring.total, &scoring.offset, &each_given, &smallest_given,
                          &allowed_given, &top, &least))
        return NULL;
    Py_ssize_t count = PyList_Size(given);
    Best best = {PyMem_Malloc((top > 0 ? top : 1) * sizeof(Hit)), 0, top, least};
    Sums *sums = PyMem_Calloc(1, sizeof *sums);
    buffers = PyMem_Malloc((5 * count + 3) * sizeof *buffers);
    words = PyMem_Malloc((count + 1) * sizeof *words);
    spelling = PyMem_Malloc((count + 1) * sizeof *spelling);
    if (!best.hits || !sums || !buffers || !words || !spelling) {
        PyErr_NoMemory();
        goto end;
    }
    scoring.each = held_array(each_given, buffers, &held, 8, &lengths);
    scoring.smallest = held_array(smallest_given, buffers, &held, 8, &blocks);
    const uint8_t *allowed = held_array(allowed_given, buffers, &held, 1, &bytes);
    if (PyErr_Occurred())
        goto end;
    if (count > WEIGHTED || PyList_Size(order) != count || top < 1 || all > INT32_MAX || all < 0
        || (allowed && bytes < (all + 7) / 8) || (scoring.kind != PLAIN && lengths != all)
        || (scoring.kind == RATIO && blocks < (all + ROWS - 1) / ROWS)) {
        PyErr_SetString(PyExc_ValueError, "too many words, or arrays that do not fit");
        goto end;
    }
    for (int one = 0; one < count; one++) {
        long place = PyLong_AsLong(PyList_GetItem(order, one));
        if (PyErr_Occurred() || !read_word(PyList_GetItem(given, one), &words[one], buffers, &held, all))
            goto end;
        if (place < 0 || place >= count) {
            PyErr_SetString(PyExc_ValueError, "the spelling names a word that there is not");
            goto end;
        }
        spelling[one] = (int)place;
    }
    Py_BEGIN_ALLOW_THREADS
    search_sums(&best, &scoring, words, spelling, (int)count, allowed, all, sums);
    Py_END_ALLOW_THREADS
    result = taken(&best);
end:
    for (int one = 0; buffers && one < held; one++)
        PyBuffer_Release(&buffers[one]);
    PyMem_Free(best.hits);
    PyMem_Free(sums);
    PyMem_Free(buffers);
    PyMem_Free(words);
    PyMem_Free(spelling);
    return result;
}

static PyMethodDef methods[] = {
    {"best_sets", best_sets, METH_VARARGS, "The best rows by Jaccard similarity of sets, see best.py."},
    {"best_sums", best_sums, METH_VARARGS, "The best rows by a sum over words, see best.py."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_kernel", NULL, -1, methods, NULL, NULL, NULL, NULL};

/* best.py asks for it: a kernel compiled of another source is left alone. Raise both when a signature changes. */
#define REVISION 3

PyMODINIT_FUNC PyInit__kernel(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made != NULL && PyModule_AddIntConstant(made, "REVISION", REVISION) < 0) {
        Py_DECREF(made);
        return NULL;
    }
    return made;
}
