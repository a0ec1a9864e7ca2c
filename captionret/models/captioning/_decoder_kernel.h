/* The inner loops of _decoder.c, compiled once for each kind of processor: FIT(name) names them, and BITS says how many
 * bits its registers have, 512 or 256.
 *
 * Products are of whole numbers of 16 bits, summed in 32: twice as fast as float32, and the same whatever else is
 * computed beside them. Numbers of a row share a scale, and so do the weights of a column; weights are so small that no
 * sum over DEPTH of them overflows, see packing in compiled_search.py.
 */

typedef float FIT(F) __attribute__((vector_size(BITS / 8), aligned(4), may_alias));
typedef int32_t FIT(I) __attribute__((vector_size(BITS / 8), aligned(4), may_alias));
typedef int16_t FIT(S) __attribute__((vector_size(BITS / 16), aligned(2), may_alias));
#define F FIT(F)
#define I FIT(I)
#define S FIT(S)
#define LANES (BITS / 32)
#define ALL(value) ((F){0} + (value))
#define AT(place) (*(F *)(place))

#if BITS == 512
#define PANEL 64  /* columns of a product that are computed together, and of weights that lie together */
#define LOOKING 6 /* captions that look at a picture together */
static inline F FIT(halves)(const uint16_t *from)
{
    return (F)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from));
}
static inline void FIT(as_halves)(uint16_t *into, F values)
{
    _mm256_storeu_si256((__m256i *)into, _mm512_cvtps_ph((__m512)values, 0));
}
#else
#define PANEL 16
#define LOOKING 2
static inline F FIT(halves)(const uint16_t *from)
{
    return (F)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from));
}
static inline void FIT(as_halves)(uint16_t *into, F values)
{
    _mm_storeu_si128((__m128i *)into, _mm256_cvtps_ph((__m256)values, 0));
}
#endif

/* exp(x) for x <= 88, to a few millionths; 0 below -87 */
static inline F FIT(exponential)(F x)
{
    const F lowest = ALL(-87.0f);
    F n = x * 1.44269504f + 12582912.0f;
    I power = (I)n - 0x4b400000;
    n = n - 12582912.0f;
    F rest = x - n * 0.693359375f + n * 2.12194440e-4f;
    F sum = rest * 1.9875691500e-4f + 1.3981999507e-3f;
    sum = sum * rest + 8.3334519073e-3f;
    sum = sum * rest + 4.1665795894e-2f;
    sum = sum * rest + 1.6666665459e-1f;
    sum = sum * rest + 5.0000001201e-1f;
    sum = sum * rest * rest + rest + 1.0f;
    I kept = x > lowest;
    return (F)((I)(sum * (F)((power + 127) << 23)) & kept);
}

/* x times the share of a normal distribution below x, as torch.nn.GELU has it; erf as a fraction, to 3 millionths */
static inline F FIT(gelu)(F x)
{
    F z = x * 0.70710678f;
    I low = z > ALL(-4.0f), high = z < ALL(4.0f);
    z = (F)(((I)z & low) | ((I)ALL(-4.0f) & ~low));
    z = (F)(((I)z & high) | ((I)ALL(4.0f) & ~high));
    F square = z * z;
    F above = square * -2.72614225801306e-10f + 2.77068142495902e-08f;
    above = above * square - 2.10102402082508e-06f;
    above = above * square - 5.69250639462346e-05f;
    above = above * square - 7.34990630326855e-04f;
    above = above * square - 2.95459980854025e-03f;
    above = above * square - 1.60960333262415e-02f;
    F below = square * -1.45660718464996e-05f - 2.13374055278905e-04f;
    below = below * square - 1.68282697438203e-03f;
    below = below * square - 7.37332916720468e-03f;
    below = below * square - 1.42647390514189e-02f;
    return 0.5f * x * (1.0f + z * above / below);
}

static inline F FIT(larger)(F one, F other)
{
    I more = other > one;
    return (F)(((I)other & more) | ((I)one & ~more));
}

static inline float FIT(largest_of)(F values)
{
    float most = values[0];
    for (int lane = 1; lane < LANES; lane++)
        most = values[lane] > most ? values[lane] : most;
    return most;
}

static inline float FIT(sum_of)(F values)
{
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++)
        sum += values[lane];
    return sum;
}

/* A row of `count` numbers, a multiple of LANES, as whole numbers of at most LARGEST; returns what one of them is worth:
 * not a number where the row holds such. */
static float FIT(rounded)(const float *row, int count, int16_t *into)
{
    I largest = {0};
    for (int at = 0; at < count; at += LANES) {
        I size = (I)AT(row + at) & 0x7fffffff, more = size > largest; /* float32 in the order of their bits */
        largest = (size & more) | (largest & ~more);
    }
    int32_t bits = 0;
    for (int lane = 0; lane < LANES; lane++)
        bits = largest[lane] > bits ? largest[lane] : bits;
    float most;
    memcpy(&most, &bits, 4);
    if (bits >= 0x7f800000 || most < 1e-30f) {
        memset(into, 0, 2 * (size_t)count);
        return bits >= 0x7f800000 ? NAN : 0.0f;
    }
    float scale = LARGEST / most;
    for (int at = 0; at < count; at += LANES) {
        I whole = (I)(AT(row + at) * scale + 12582912.0f) - 0x4b400000;
        S narrow = __builtin_convertvector(whole, S);
        memcpy(into + at, &narrow, sizeof narrow);
    }
    return most / LARGEST;
}

/* A row after a layer norm, as whole numbers; `own` has room for it. */
static float FIT(normed)(const float *row, int count, const Norm *norm, float *own, int16_t *into)
{
    F sum = {0}, squares = {0};
    for (int at = 0; at < count; at += LANES)
        sum += AT(row + at);
    float mean = FIT(sum_of)(sum) / count;
    for (int at = 0; at < count; at += LANES) {
        F away = AT(row + at) - mean;
        squares += away * away;
    }
    float scale = 1.0f / sqrtf(FIT(sum_of)(squares) / count + 1e-5f);
    for (int at = 0; at < count; at += LANES)
        AT(own + at) = (AT(row + at) - mean) * scale * AT(norm->weight + at) + AT(norm->bias + at);
    return FIT(rounded)(own, count, into);
}

/* Registers are named one by one: compilers keep arrays of them in memory. R: a row, P: a panel */
#if BITS == 512
#define VECTOR __m512i
#define EACH_PANEL(DO, R) DO(R, 0) DO(R, 1) DO(R, 2) DO(R, 3)
#define NOTHING(R, P) VECTOR sum##R##P = _mm512_setzero_si512();
#define WEIGHTS(R, P) VECTOR weights##P = _mm512_loadu_si512(panel + 32 * P);
#define BOTH(R) __m512i both = _mm512_set1_epi32(pair);
#define ADDED(R, P) __asm__("vpdpwssd %2, %1, %0" : "+v"(sum##R##P) : "v"(weights##P), "v"(both));
#define SO_FAR(R, P) \
    _mm512_storeu_ps(whole[R] + 16 * P, _mm512_add_ps(_mm512_loadu_ps(whole[R] + 16 * P), _mm512_cvtepi32_ps(sum##R##P)));
#else
#define VECTOR __m256i
#define EACH_PANEL(DO, R) DO(R, 0) DO(R, 1)
#define NOTHING(R, P) VECTOR sum##R##P = _mm256_setzero_si256();
#define WEIGHTS(R, P) VECTOR weights##P = _mm256_loadu_si256((const __m256i *)(panel + 16 * P));
#define BOTH(R) __m256i both = _mm256_set1_epi32(pair);
#define ADDED(R, P) sum##R##P = _mm256_add_epi32(sum##R##P, _mm256_madd_epi16(weights##P, both));
#define SO_FAR(R, P) \
    _mm256_storeu_ps(whole[R] + 8 * P, _mm256_add_ps(_mm256_loadu_ps(whole[R] + 8 * P), _mm256_cvtepi32_ps(sum##R##P)));
#endif
#define TILE 6 /* rows that are computed together */
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5)
#define NO_SUMS(R) EACH_PANEL(NOTHING, R)
#define ROW_ADDED(R)                                          \
    if (high > R) {                                           \
        int32_t pair;                                         \
        memcpy(&pair, rows + (size_t)R * depth + at, 4);      \
        BOTH(R)                                               \
        EACH_PANEL(ADDED, R)                                  \
    }
#define ROW_SO_FAR(R)           \
    if (high > R) {             \
        EACH_PANEL(SO_FAR, R)   \
    }

/* `high` rows times PANEL columns */
static inline ALWAYS void FIT(tile)(
    const int high, const int16_t *rows, const float *worth, const Linear *by, int column, float *into, int stride, int add)
{
    const int depth = by->in;
    const int16_t *panel = by->weight + (size_t)column * depth;
    float whole[TILE][PANEL] __attribute__((aligned(64)));
    memset(whole, 0, sizeof whole);
    for (int from = 0; from < depth; from += DEPTH) {
        const int to = from + DEPTH < depth ? from + DEPTH : depth;
        EACH_ROW(NO_SUMS)
        for (int at = from; at < to; at += 2, panel += 2 * PANEL) {
            EACH_PANEL(WEIGHTS, 0)
            EACH_ROW(ROW_ADDED)
        }
        EACH_ROW(ROW_SO_FAR)
    }
    for (int row = 0; row < high; row++)
        for (int at = 0; at < PANEL; at += LANES) {
            float *place = into + (size_t)row * stride + column + at;
            F found = AT(whole[row] + at) * (worth[row] * AT(by->worth + column + at)) + AT(by->bias + column + at);
            if (add)
                found += AT(place);
            AT(place) = found;
        }
}

/* into (rows, stride) = or += whole numbers (rows, in) times a matrix, plus its bias */
static void FIT(product)(
    const int16_t *rows, const float *worth, int count, const Linear *by, float *into, int stride, int add)
{
    for (int column = 0; column < by->out; column += PANEL) {
        int row = 0;
        for (; row + TILE <= count; row += TILE)
            FIT(tile)(TILE, rows + (size_t)row * by->in, worth + row, by, column, into + (size_t)row * stride, stride, add);
        const int16_t *rest = rows + (size_t)row * by->in;
        float *place = into + (size_t)row * stride;
        switch (count - row) {
        case 5: FIT(tile)(5, rest, worth + row, by, column, place, stride, add); break;
        case 4: FIT(tile)(4, rest, worth + row, by, column, place, stride, add); break;
        case 3: FIT(tile)(3, rest, worth + row, by, column, place, stride, add); break;
        case 2: FIT(tile)(2, rest, worth + row, by, column, place, stride, add); break;
        case 1: FIT(tile)(1, rest, worth + row, by, column, place, stride, add); break;
        default: break;
        }
    }
}

/* Numbers as exponentials, not yet divided by their sum; returns one over it. Behind them come zeros, up to the next
 * multiple of 2 * LANES. */
static float FIT(softmax)(float *numbers, int count)
{
    int at = count;
    for (; at % (2 * LANES); at++)
        numbers[at] = -INFINITY;
    F top = AT(numbers);
    for (int from = LANES; from < at; from += LANES)
        top = FIT(larger)(top, AT(numbers + from));
    const float most = FIT(largest_of)(top);
    F sum = {0};
    for (int from = 0; from < at; from += LANES) {
        F found = FIT(exponential)(AT(numbers + from) - most);
        AT(numbers + from) = found;
        sum += found;
    }
    return 1.0f / FIT(sum_of)(sum);
}

/* What `high` queries of one head, `stride` apart, find in the picture's grid. keys: (HEAD, room) halves, values:
 * (cells, HEAD) halves; `into` lies as the queries do. */
static inline ALWAYS void FIT(look)(
    const int high, const float *queries, int stride, const uint16_t *keys, const uint16_t *values, int cells, int room,
    float *into)
{
    float weights[LOOKING][CELLS] __attribute__((aligned(64)));
    for (int from = 0; from < room; from += 2 * LANES) {
        F sums[LOOKING][2];
#pragma GCC unroll 8
        for (int row = 0; row < high; row++)
            sums[row][0] = sums[row][1] = ALL(0.0f);
        for (int at = 0; at < HEAD; at++) {
            F left = FIT(halves)(keys + (size_t)at * room + from), right = FIT(halves)(keys + (size_t)at * room + from + LANES);
#pragma GCC unroll 8
            for (int row = 0; row < high; row++) {
                float by = queries[(size_t)row * stride + at];
                sums[row][0] += left * by;
                sums[row][1] += right * by;
            }
        }
#pragma GCC unroll 8
        for (int row = 0; row < high; row++) {
            AT(weights[row] + from) = sums[row][0];
            AT(weights[row] + from + LANES) = sums[row][1];
        }
    }
    float shares[LOOKING];
    for (int row = 0; row < high; row++)
        shares[row] = FIT(softmax)(weights[row], cells);
    F sums[LOOKING][HEAD / LANES];
#pragma GCC unroll 8
    for (int row = 0; row < high; row++)
#pragma GCC unroll 8
        for (int part = 0; part < HEAD / LANES; part++)
            sums[row][part] = ALL(0.0f);
    for (int cell = 0; cell < cells; cell++) {
        F found[HEAD / LANES];
#pragma GCC unroll 8
        for (int part = 0; part < HEAD / LANES; part++)
            found[part] = FIT(halves)(values + (size_t)cell * HEAD + part * LANES);
#pragma GCC unroll 8
        for (int row = 0; row < high; row++)
#pragma GCC unroll 8
            for (int part = 0; part < HEAD / LANES; part++)
                sums[row][part] += found[part] * weights[row][cell];
    }
#pragma GCC unroll 8
    for (int row = 0; row < high; row++)
#pragma GCC unroll 8
        for (int part = 0; part < HEAD / LANES; part++)
            AT(into + (size_t)row * stride + part * LANES) = sums[row][part] * shares[row];
}

/* The same for any number of queries. */
static void FIT(look_at)(
    int count, const float *queries, int stride, const uint16_t *keys, const uint16_t *values, int cells, int room,
    float *into)
{
    for (; count > 0; count -= LOOKING, queries += LOOKING * stride, into += LOOKING * stride)
        switch (count < LOOKING ? count : LOOKING) {
        case 1: FIT(look)(1, queries, stride, keys, values, cells, room, into); break;
        case 2: FIT(look)(2, queries, stride, keys, values, cells, room, into); break;
#if LOOKING > 2
        case 3: FIT(look)(3, queries, stride, keys, values, cells, room, into); break;
        case 4: FIT(look)(4, queries, stride, keys, values, cells, room, into); break;
        case 5: FIT(look)(5, queries, stride, keys, values, cells, room, into); break;
        case 6: FIT(look)(6, queries, stride, keys, values, cells, room, into); break;
#endif
        default: break;
        }
}

/* What a query of one head finds in the words before it. keys, values: of this head, rows of `width` numbers;
 * slots: the rows of this caption's words */
static void FIT(recall)(
    const float *query, const float *keys, const float *values, const int16_t *slots, int count, int width, float *into)
{
    float weights[MOST_WORDS + 1 + 2 * LANES];
    for (int word = 0; word < count; word++) {
        const float *key = keys + (size_t)slots[word] * width;
        F sum = {0};
        for (int at = 0; at < HEAD; at += LANES)
            sum += AT(query + at) * AT(key + at);
        weights[word] = FIT(sum_of)(sum);
    }
    float share = FIT(softmax)(weights, count);
    F found[HEAD / LANES];
    for (int part = 0; part < HEAD / LANES; part++)
        found[part] = ALL(0.0f);
    for (int word = 0; word < count; word++) {
        const float *value = values + (size_t)slots[word] * width;
        for (int part = 0; part < HEAD / LANES; part++)
            found[part] += AT(value + part * LANES) * weights[word];
    }
    for (int part = 0; part < HEAD / LANES; part++)
        AT(into + part * LANES) = found[part] * share;
}

/* A picture's grid as every layer's keys and values. features: (cells, depth) */
static void FIT(see)(const Decoder *decoder, const float *features, Picture *picture, Room *room)
{
    const int cells = decoder->cells, width = decoder->width, depth = decoder->project.in;
    for (int cell = 0; cell < cells; cell++)
        room->worth[cell] = FIT(normed)(
            features + (size_t)cell * depth, depth, &decoder->features, room->own, room->whole + (size_t)cell * depth);
    FIT(product)(room->whole, room->worth, cells, &decoder->project, room->stream, width, 0);
    for (int at = 0; at < cells * width; at += LANES)
        AT(room->stream + at) += AT(decoder->places_of_cells + at);
    for (int number = 0; number < decoder->layers; number++) {
        const Layer *layer = &decoder->layer[number];
        for (int cell = 0; cell < cells; cell++)
            room->worth[cell] = FIT(normed)(
                room->stream + (size_t)cell * width, width, &layer->norm_memory, room->own,
                room->whole + (size_t)cell * width);
        FIT(product)(room->whole, room->worth, cells, &layer->memory, room->wide, 2 * width, 0);
        uint16_t *keys = picture->keys + (size_t)number * width * decoder->places;
        uint16_t *values = picture->values + (size_t)number * width * cells;
        for (int at = 0; at < width; at++)
            for (int from = 0; from < decoder->places; from += LANES) {
                F column = ALL(0.0f);
                for (int cell = 0; cell < LANES && from + cell < cells; cell++)
                    column[cell] = room->wide[(size_t)(from + cell) * 2 * width + at];
                FIT(as_halves)(keys + (size_t)at * decoder->places + from, column);
            }
        for (int cell = 0; cell < cells; cell++)
            for (int at = 0; at < width; at += LANES)
                FIT(as_halves)(
                    values + ((size_t)(at / HEAD) * cells + cell) * HEAD + at % HEAD,
                    AT(room->wide + ((size_t)cell * 2 + 1) * width + at));
    }
}

/* The largest `wanted` of a row of logits as log-probabilities, largest first; how many there are. Those of `banned`
 * are left out, but count in the sum of all. padded: a multiple of 64, behind the words stands -inf */
static int FIT(best_words)(float *logits, int padded, const int32_t *banned, int bans, int wanted, float *tops, Choice *best)
{
    float most = -INFINITY;
    for (int from = 0; from < padded; from += 64) {
        F top = AT(logits + from);
        for (int at = LANES; at < 64; at += LANES)
            top = FIT(larger)(top, AT(logits + from + at));
        const float largest = FIT(largest_of)(top);
        tops[from / 64] = largest;
        most = largest > most ? largest : most;
    }
    F sum = {0};
    for (int at = 0; at < padded; at += LANES)
        sum += FIT(exponential)(AT(logits + at) - most);
    float whole = FIT(sum_of)(sum);
    if (!(whole > 0) || whole > 1e30f)
        return 0;
    float all = most + logf(whole);
    for (int at = 0; at < bans; at++) {
        logits[banned[at]] = -INFINITY;
        const int group = banned[at] / 64;
        tops[group] = -INFINITY;
        for (int one = 64 * group; one < 64 * group + 64; one++)
            tops[group] = logits[one] > tops[group] ? logits[one] : tops[group];
    }
    float least[2 * MOST_BEAM]; /* the largest of the stretches' largest: as many words are no smaller than the last */
    int held = 0;
    for (int group = 0; group < padded / 64; group++) {
        int place = held;
        if (held == wanted && !(tops[group] > least[held - 1]))
            continue;
        if (held < wanted)
            held++;
        else
            place = held - 1;
        for (; place > 0 && least[place - 1] < tops[group]; place--)
            least[place] = least[place - 1];
        least[place] = tops[group];
    }
    float enough = held < wanted ? -INFINITY : least[held - 1];
    int found = 0;
    for (int group = 0; group < padded / 64; group++) {
        if (!(tops[group] >= enough))
            continue;
        for (int word = 64 * group; word < 64 * group + 64; word++) {
            float logit = logits[word];
            if (!(logit >= enough) || logit == -INFINITY || (found == wanted && !(logit > best[found - 1].score)))
                continue;
            int place = found < wanted ? found++ : found - 1;
            for (; place > 0 && best[place - 1].score < logit; place--)
                best[place] = best[place - 1];
            best[place] = (Choice){logit, word};
        }
    }
    for (int at = 0; at < found; at++)
        best[at].score -= all;
    return found;
}

/* One word more of every caption of these pictures: what it may be stands in room->best, room->found. */
static void FIT(advance)(const Decoder *decoder, const Settings *settings, Picture **pictures, int count, Room *room)
{
    const int width = decoder->width, heads = width / HEAD, beam = settings->beam;
    const size_t cache = (size_t)(settings->most_words + 1) * beam * width; /* of one layer's keys */
    int rows = 0;
    for (int one = 0; one < count; one++) {
        Picture *picture = pictures[one];
        picture->first_row = rows;
        for (int row = 0; row < picture->live; row++, rows++) {
            const Caption *caption = &picture->captions[row];
            const int token = picture->age ? caption->tokens[picture->age - 1] : START_ID;
            const float *word = decoder->words + (size_t)token * width;
            const float *place = decoder->positions + (size_t)picture->age * width;
            for (int at = 0; at < width; at += LANES)
                AT(room->stream + (size_t)rows * width + at) = AT(word + at) + AT(place + at);
        }
    }
#define NORMED(norm, own_width)                                                                                        \
    for (int row = 0; row < rows; row++)                                                                               \
        room->worth[row] = FIT(normed)(                                                                                \
            room->stream + (size_t)row * width, width, norm, room->own, room->whole + (size_t)row * (own_width))
#define ROUNDED_FOUND()                                                                                                \
    for (int row = 0; row < rows; row++)                                                                               \
        room->worth[row] = FIT(rounded)(room->found_in + (size_t)row * width, width, room->whole + (size_t)row * width)
    for (int number = 0; number < decoder->layers; number++) {
        const Layer *layer = &decoder->layer[number];
        NORMED(&layer->norm_self, width);
        FIT(product)(room->whole, room->worth, rows, &layer->self_in, room->wide, 3 * width, 0);
        for (int one = 0; one < count; one++) {
            Picture *picture = pictures[one];
            float *keys = picture->words + 2 * number * cache, *values = keys + cache;
            for (int row = 0; row < picture->live; row++) {
                const float *from = room->wide + (size_t)(picture->first_row + row) * 3 * width;
                const int slot = picture->age * beam + row;
                picture->captions[row].slots[picture->age] = (int16_t)slot;
                memcpy(keys + (size_t)slot * width, from + width, sizeof(float) * width);
                memcpy(values + (size_t)slot * width, from + 2 * width, sizeof(float) * width);
            }
            for (int row = 0; row < picture->live; row++)
                for (int head = 0; head < heads; head++)
                    FIT(recall)(
                        room->wide + (size_t)(picture->first_row + row) * 3 * width + head * HEAD, keys + head * HEAD,
                        values + head * HEAD, picture->captions[row].slots, picture->age + 1, width,
                        room->found_in + (size_t)(picture->first_row + row) * width + head * HEAD);
        }
        ROUNDED_FOUND();
        FIT(product)(room->whole, room->worth, rows, &layer->self_out, room->stream, width, 1);
        NORMED(&layer->norm_cross, width);
        FIT(product)(room->whole, room->worth, rows, &layer->query, room->wide, width, 0);
        for (int one = 0; one < count; one++) {
            Picture *picture = pictures[one];
            const uint16_t *keys = picture->keys + (size_t)number * width * decoder->places;
            const uint16_t *values = picture->values + (size_t)number * width * decoder->cells;
            for (int head = 0; head < heads; head++)
                FIT(look_at)(
                    picture->live, room->wide + (size_t)picture->first_row * width + head * HEAD, width,
                    keys + (size_t)head * HEAD * decoder->places, values + (size_t)head * HEAD * decoder->cells,
                    decoder->cells, decoder->places, room->found_in + (size_t)picture->first_row * width + head * HEAD);
        }
        ROUNDED_FOUND();
        FIT(product)(room->whole, room->worth, rows, &layer->cross_out, room->stream, width, 1);
        NORMED(&layer->norm_feed, width);
        FIT(product)(room->whole, room->worth, rows, &layer->feed, room->wide, 4 * width, 0);
        for (int row = 0; row < rows; row++) {
            float *own = room->wide + (size_t)row * 4 * width;
            for (int at = 0; at < 4 * width; at += LANES)
                AT(own + at) = FIT(gelu)(AT(own + at));
            room->worth[row] = FIT(rounded)(own, 4 * width, room->whole + (size_t)row * 4 * width);
        }
        FIT(product)(room->whole, room->worth, rows, &layer->feed_out, room->stream, width, 1);
    }
    NORMED(&decoder->last, width);
    const int padded = decoder->output.out;
    int done = 0, row = 0, one = 0;
    for (; done < rows; done += AT_ONCE) {
        const int here = rows - done < AT_ONCE ? rows - done : AT_ONCE;
        FIT(product)(room->whole + (size_t)done * width, room->worth + done, here, &decoder->output, room->logits, padded, 0);
        for (int at = 0; at < here; at++) {
            while (row == pictures[one]->live) {
                one++;
                row = 0;
            }
            const int bans = banned(settings, pictures[one], row, room->banned);
            room->found[done + at] = FIT(best_words)(
                room->logits + (size_t)at * padded, padded, room->banned, bans, settings->width, room->tops,
                room->best + (size_t)(done + at) * settings->width);
            row++;
        }
    }
#undef NORMED
#undef ROUNDED_FOUND
}

#undef F
#undef I
#undef S
#undef LANES
#undef ALL
#undef AT
#undef TILE
#undef PANEL
#undef VECTOR
#undef EACH_PANEL
#undef EACH_ROW
#undef NOTHING
#undef WEIGHTS
#undef BOTH
#undef ADDED
#undef SO_FAR
#undef NO_SUMS
#undef ROW_ADDED
#undef ROW_SO_FAR
#undef LOOKING
