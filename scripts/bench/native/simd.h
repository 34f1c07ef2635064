/*
 * Four float32 lanes: SSE2 on x86-64, NEON on arm64. The types of both take + - * / by themselves, one rounding each;
 * here stands the rest.
 */
#ifndef MLP_SIMD_H
#define MLP_SIMD_H

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>

typedef __m128 mlp_v4;

static inline mlp_v4 mlp_load(const float *p) { return _mm_load_ps(p); }
static inline void mlp_store(float *p, mlp_v4 v) { _mm_store_ps(p, v); }
static inline mlp_v4 mlp_splat(float s) { return _mm_set1_ps(s); }
static inline mlp_v4 mlp_and(mlp_v4 a, mlp_v4 b) { return _mm_and_ps(a, b); }
static inline mlp_v4 mlp_or(mlp_v4 a, mlp_v4 b) { return _mm_or_ps(a, b); }
static inline mlp_v4 mlp_xor(mlp_v4 a, mlp_v4 b) { return _mm_xor_ps(a, b); }

/* a < b ? a : b, so that a NaN in b comes through */
static inline mlp_v4 mlp_below(mlp_v4 a, mlp_v4 b) { return _mm_min_ps(a, b); }

/* The bits of every lane, shifted left by 23: what stood in the lowest bits becomes an exponent field. */
static inline mlp_v4 mlp_to_exponent(mlp_v4 v) { return _mm_castsi128_ps(_mm_slli_epi32(_mm_castps_si128(v), 23)); }

/* Lane i is the sum of r_i, ((l0 + l1) + (l2 + l3)). */
static inline mlp_v4 mlp_row_sums(mlp_v4 r0, mlp_v4 r1, mlp_v4 r2, mlp_v4 r3) {
  _MM_TRANSPOSE4_PS(r0, r1, r2, r3);
  return (r0 + r1) + (r2 + r3);
}

#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>

typedef float32x4_t mlp_v4;

#define MLP_BITS(v) vreinterpretq_u32_f32(v)
#define MLP_FLOATS(v) vreinterpretq_f32_u32(v)

static inline mlp_v4 mlp_load(const float *p) { return vld1q_f32(p); }
static inline void mlp_store(float *p, mlp_v4 v) { vst1q_f32(p, v); }
static inline mlp_v4 mlp_splat(float s) { return vdupq_n_f32(s); }
static inline mlp_v4 mlp_and(mlp_v4 a, mlp_v4 b) { return MLP_FLOATS(vandq_u32(MLP_BITS(a), MLP_BITS(b))); }
static inline mlp_v4 mlp_or(mlp_v4 a, mlp_v4 b) { return MLP_FLOATS(vorrq_u32(MLP_BITS(a), MLP_BITS(b))); }
static inline mlp_v4 mlp_xor(mlp_v4 a, mlp_v4 b) { return MLP_FLOATS(veorq_u32(MLP_BITS(a), MLP_BITS(b))); }
static inline mlp_v4 mlp_below(mlp_v4 a, mlp_v4 b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
static inline mlp_v4 mlp_to_exponent(mlp_v4 v) { return MLP_FLOATS(vshlq_n_u32(MLP_BITS(v), 23)); }
static inline mlp_v4 mlp_row_sums(mlp_v4 r0, mlp_v4 r1, mlp_v4 r2, mlp_v4 r3) {
  return vpaddq_f32(vpaddq_f32(r0, r1), vpaddq_f32(r2, r3));
}

#else
#error "needs SSE2 on x86-64 or NEON on arm64"
#endif

static inline mlp_v4 mlp_bits(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return mlp_splat(f);
}

static inline float mlp_lane_sum(mlp_v4 s) {
  float l[4];
  memcpy(l, &s, sizeof l);
  return (l[0] + l[1]) + (l[2] + l[3]);
}

#endif
