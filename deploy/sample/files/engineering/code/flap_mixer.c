/*
 * flap_mixer.c: from three wishes to eight flaps. LARK 4.7, both lanes.
 *
 * The control laws ask for roll, pitch and heave. Eight flaps have limits of position and of rate. When not everything
 * can be had, roll goes before pitch and pitch before heave: too low gets wet, rolled over does not come home.
 *
 * No dynamic memory, no recursion, all loops have constant bounds. Reviewers: K. Amanor, Y. Tanabe. NMR file 5100-33.
 */

#include "flap_mixer.h"

#define FLAPS 8            /* 0..4 main foil from port to starboard, 5..7 rear foil */
#define LIMIT_DEG 14.0f    /* mechanical stop is at 16; the last two belong to the hydraulics people */
#define RATE_DEG_FRAME 1.1f /* 55 deg/s at 50 Hz, what a warm SV-4120 does; a cold one does 40 */
#define FEED_FORWARD_DEG 4.0f /* ADR-034, active from 4.8 on */

/* Share of each flap in each axis. Signs: roll positive to starboard, pitch positive bow up, heave positive up.
 * The middle flap of the main foil takes no part in roll: its lever is 0 and it would only heat its actuator. */
static const float share[FLAPS][3] = {
    /* roll    pitch   heave */
    {  1.00f,  0.62f,  0.90f },
    {  0.55f,  0.62f,  1.00f },
    {  0.00f,  0.62f,  1.00f },
    { -0.55f,  0.62f,  1.00f },
    { -1.00f,  0.62f,  0.90f },
    {  0.30f, -1.00f,  0.70f },
    {  0.00f, -1.00f,  0.70f },
    { -0.30f, -1.00f,  0.70f },
};

static float clamp(float x, float lo, float hi)
{
    /* NaN compares false with everything and would pass through the usual two-line version. */
    if (!(x >= lo)) return lo;
    if (x > hi) return hi;
    return x;
}

/* Largest factor in 0..1 by which `wish` may be added to `base` so that no flap leaves its window. */
static float room(const float base[FLAPS], const float wish[FLAPS], const float lo[FLAPS], const float hi[FLAPS])
{
    float factor = 1.0f;
    for (int i = 0; i < FLAPS; i++) {
        float step = wish[i];
        if (step > 0.001f) {
            float f = (hi[i] - base[i]) / step;
            if (f < factor) factor = f;
        } else if (step < -0.001f) {
            float f = (lo[i] - base[i]) / step;
            if (f < factor) factor = f;
        }
    }
    return clamp(factor, 0.0f, 1.0f);
}

void flap_mix(const struct demand *d, const struct flap_state *now, struct flap_command *out)
{
    float lo[FLAPS], hi[FLAPS], sum[FLAPS];
    const float axis[3] = { d->roll, d->pitch, d->heave };

    for (int i = 0; i < FLAPS; i++) {
        /* Window of this frame: position limit and what the actuator can reach from where it really is, not from where
         * it was told to be. The difference was the cause of the oscillation of G-02 in sea trial 11. */
        lo[i] = clamp(now->angle[i] - RATE_DEG_FRAME, -LIMIT_DEG, LIMIT_DEG);
        hi[i] = clamp(now->angle[i] + RATE_DEG_FRAME, -LIMIT_DEG, LIMIT_DEG);
        sum[i] = clamp(now->trim[i], lo[i], hi[i]);
    }

    /* In order of importance; each axis gets what the ones before it have left. */
    for (int a = 0; a < 3; a++) {
        float wish[FLAPS];
        for (int i = 0; i < FLAPS; i++) wish[i] = share[i][a] * axis[a];
        float f = room(sum, wish, lo, hi);
        for (int i = 0; i < FLAPS; i++) sum[i] += f * wish[i];
        out->granted[a] = f; /* the monitor lands the boat if roll gets less than 0.5 for 10 frames */
    }

    for (int i = 0; i < FLAPS; i++) {
        if (now->failed[i]) {
            /* A dead flap stays where it is; its neighbours have been told by the estimator. Do not command it: a
             * stuck actuator that is commanded draws 22 A until its fuse goes, and the fuse is shared by two. */
            out->angle[i] = now->angle[i];
        } else {
            out->angle[i] = clamp(sum[i], lo[i], hi[i]);
        }
    }
}
