// What the processor does with sixteen bytes at once, and Swift has no words for: it makes loops of
// comparisons of lanes, and cannot gather their bits. The plain functions say what the fast ones do.
#ifndef CWIDE_H
#define CWIDE_H
#include <stdint.h>

// A bit for each byte that ends or breaks text in JSON: a quote, a backslash, a control byte. Bits
// 16 to 31 tell which are above 127.
static inline uint32_t cwide_text_stops_plain(const void *bytes) {
    uint32_t stops = 0, high = 0;
    for (int index = 0; index < 16; index++) {
        uint8_t byte = ((const uint8_t *)bytes)[index];
        stops |= (uint32_t)(byte == 0x22 || byte == 0x5c || byte < 0x20) << index;
        high |= (uint32_t)(byte >> 7) << index;
    }
    return high << 16 | stops;
}

// A bit for each byte that is the same in both.
static inline uint32_t cwide_same_bytes_plain(const void *left, const void *right) {
    uint32_t same = 0;
    for (int index = 0; index < 16; index++) {
        same |= (uint32_t)(((const uint8_t *)left)[index] == ((const uint8_t *)right)[index])
            << index;
    }
    return same;
}

#ifdef __SSE2__
#include <emmintrin.h>

static inline uint32_t cwide_text_stops(const void *bytes) {
    __m128i text = _mm_loadu_si128((const __m128i *)bytes);
    __m128i quote = _mm_cmpeq_epi8(text, _mm_set1_epi8(0x22));
    __m128i slash = _mm_cmpeq_epi8(text, _mm_set1_epi8(0x5c));
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(text, _mm_set1_epi8(0x1f)), text);
    __m128i stops = _mm_or_si128(_mm_or_si128(quote, slash), control);
    return (uint32_t)_mm_movemask_epi8(text) << 16 | (uint32_t)_mm_movemask_epi8(stops);
}

static inline uint32_t cwide_same_bytes(const void *left, const void *right) {
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(
        _mm_loadu_si128((const __m128i *)left), _mm_loadu_si128((const __m128i *)right)));
}
#else
static inline uint32_t cwide_text_stops(const void *bytes) {
    return cwide_text_stops_plain(bytes);
}

static inline uint32_t cwide_same_bytes(const void *left, const void *right) {
    return cwide_same_bytes_plain(left, right);
}
#endif

#endif
