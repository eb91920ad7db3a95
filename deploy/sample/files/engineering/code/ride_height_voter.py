"""Reference model of the ride-height voter of LARK 4.7 (see ADR-031).

The flight code is C and runs at 50 Hz on both lanes. This model is what the C code is compared with on the bench: it is
written to be read, not to be fast. If the two differ, find out which one is wrong before touching either.

Heights are metres from the keel to the mean water surface. A sensor that has nothing to say gives None.
"""

from dataclasses import dataclass, field
from statistics import median

# A radar over water is never quiet. Below this floor (metres, standard deviation over one second) it is looking at
# something that does not move: ice, a cloth that somebody left on the window, or its own bracket.
FLOOR_CALM = 0.004
FLOOR_PER_WAVE_METRE = 0.011

# Two groups that differ by more than this do not vote any more. 0.25 m is a quarter of the nominal ride height: more
# than any wave slope explains across the beam of 8.6 m in seas in which flight is allowed.
DISAGREE = 0.25

# A sensor that was distrusted has to behave for this long before it is believed again, in frames of 20 ms.
# It was 50 (one second) until LK-2231: G-10 went in and out of degraded mode eleven times in one crossing.
REHABILITATION = 1500


@dataclass
class Sensor:
    name: str
    # Everything that could silence several sensors at once: breaker of the heater, bus, bracket.
    causes: frozenset
    recent: list = field(default_factory=list)
    distrusted_for: int = 0

    def hear(self, height, quality, wave_height):
        """Takes one measurement and decides whether the sensor is to be believed in this frame."""
        if height is None or quality == 0:
            self.distrusted_for = REHABILITATION
            return None
        self.recent = (self.recent + [height])[-50:]
        if len(self.recent) == 50 and deviation(self.recent) < FLOOR_CALM + FLOOR_PER_WAVE_METRE * wave_height:
            self.distrusted_for = REHABILITATION
        if self.distrusted_for > 0:
            self.distrusted_for -= 1
            return None
        return height


def deviation(values):
    mean = sum(values) / len(values)
    return (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5


def groups(sensors):
    """Sensors that share any cause belong together, also over a third one."""
    left, found = list(sensors), []
    while left:
        group = [left.pop()]
        grew = True
        while grew:
            causes = frozenset().union(*(s.causes for s in group))
            near = [s for s in left if s.causes & causes]
            left = [s for s in left if not (s.causes & causes)]
            group += near
            grew = bool(near)
        found.append(group)
    return found


def vote(sensors, measurements, wave_height):
    """One height for this frame, or None: then the boat lands on gyros and the last good slope.

    A group has one vote however many sensors are in it. Before 4.7 each sensor had a vote weighted by its calmness,
    which is how two frozen radars on breaker CB-17 convinced G-07 that it was 50 cm too low.
    """
    believed = {s.name: s.hear(*measurements[s.name], wave_height) for s in sensors}
    votes = []
    for group in groups(sensors):
        heights = [believed[s.name] for s in group if believed[s.name] is not None]
        if heights:
            votes.append(median(heights))
    if len(votes) < 2:
        return None
    if len(votes) == 2 and abs(votes[0] - votes[1]) > DISAGREE:
        # Nobody can say which of two is lying. Choosing would be guessing with ninety passengers aboard.
        return None
    return median(votes)


def demonstration():
    """The night of G-07 in eight lines: starboard frozen at 0.41 m, port alive around 0.95 m."""
    from random import Random
    sea = Random(20260114)
    wiring = {"PF": "CB-23", "PA": "CB-23", "SF": "CB-17", "SA": "CB-17"}
    sensors = [Sensor(name, frozenset({breaker})) for name, breaker in wiring.items()]
    for frame in range(200):
        port = 0.95 + sea.gauss(0, 0.05)
        said = {"PF": (port, 6), "PA": (port + 0.01, 6), "SF": (0.41, 7), "SA": (0.41, 7)}
        height = vote(sensors, said, wave_height=0.6)
    return height  # None: one group left, so no vote, so a landing.


if __name__ == "__main__":
    print("height after four seconds:", demonstration())
