"""Answers to ex_slots: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "slots"
KIND = "values"
INTEGERS = True
SOLUTION = """def slots(calls):
    last = {}
    for number, (made, reads) in enumerate(calls):
        for name in reads:
            last[name] = number
    held, places = {}, []
    for number, (made, reads) in enumerate(calls):
        busy = [place for name, place in held.items() if last.get(name, len(calls)) >= number]
        place = 0
        while place in busy:
            place += 1
        held[made] = place
        places.append(place)
    return places
"""
HINTS = (
    "Two loops: the first notes for each name the number of the last call that reads it.",
    "The second one goes through the calls in order: which of the arrays made so far are read in this call or later? "
    "Their places are busy.",
    "A name that isn't in `last` is a result: last.get(name, len(calls)) says that it is needed after the last call.",
)
RIGHT = (  # the same, written in other ways
    """def slots(calls):
    def is_needed(name, at):
        readers = [k for k, (_, reads) in enumerate(calls) if name in reads]
        return not readers or max(readers) >= at
    places = []
    for at in range(len(calls)):
        busy = {places[k] for k in range(at) if is_needed(calls[k][0], at)}
        places.append(min(set(range(at + 1)) - busy))
    return places
""",
    """import heapq
import numpy as np


def slots(calls):
    dies = {}
    for n, (_, reads) in enumerate(calls):
        dies.update(dict.fromkeys(reads, n))
    free, place = list(range(len(calls))), {}
    for n, (made, reads) in enumerate(calls):
        place[made] = heapq.heappop(free)
        for name in set(reads):
            if dies[name] == n and name in place:
                heapq.heappush(free, place[name])
    return np.array([place[made] for made, _ in calls])
""",
)
_BUSY = "busy = [place for name, place in held.items() if last.get(name, len(calls)) >= number]"
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", ">= number", "> number",
     "An array takes the place of one that the same call still reads: that place is busy in this call, too."),
    ("wrong_value", ">= number", ">= number - 1",
     "A place stays busy one call too long after its array was read last."),
    ("wrong_value", "last.get(name, len(calls))", "last.get(name, -1)",
     "A result, which no call reads, loses its place: it is needed after the last call."),
    ("wrong_value", "last.get(name, len(calls)) >= number", "name in last and last[name] >= number",
     "A result, which no call reads, loses its place: it is needed after the last call."),
    ("wrong_value", "last[name] = number", "last.setdefault(name, number)",
     "A place is free after the first call that reads its array; others may read it later."),
    ("wrong_value", "for name in reads:", "for name in reads[:1]:",
     "Only the first array that a call reads is looked at."),
    ("wrong_value", "for name in reads:", "for name in reads[-1:]:",
     "Only the last array that a call reads is looked at."),
    ("wrong_value", _BUSY, "busy = list(held.values())", "No place is ever free again: each array gets a new one."),
    ("wrong_value", "            place += 1\n", "            place = max(busy) + 1\n",
     "It takes the place behind all busy ones; a smaller one may be free."),
    ("wrong_value", "place = 0\n", "place = 1\n", "Places are counted from 0."),
    ("wrong_value", _BUSY, "busy = [held[name] for name in reads if name in held]",
     "Only what this very call reads is taken as busy; what later calls read is needed, too."),
    ("wrong_value", _BUSY, "busy = []", "All arrays get the same place: none is ever busy."),
    ("wrong_value", _BUSY, "busy = places[-1:]",
     "Only the array made just before is taken as busy; others may be needed, too."),
    ("wrong_value", "    held, places = {}, []\n",
     "    given = {name for _, reads in calls for name in reads} - {made for made, _ in calls}\n"
     "    held, places = {name: k for k, name in enumerate(sorted(given))}, []\n",
     "What no call makes gets places, too; it has one already."),
    ("wrong_value", "            last[name] = number\n    held",
     "            last[name] = number\n        last.setdefault(made, number)\n    held",
     "A result, which no call reads, loses its place: it is needed after the last call."),
    ("wrong_value", "    return places", "    return places[::-1]",
     "The places come in reverse order: the first one belongs to the first call."),
    ("shape", "    return places", "    return max(places) + 1",
     "That is how many places there are; which one each array gets is asked for."),
    ("shape", "    return places", "    return sorted(set(places))",
     "Those are the places that there are; the place of each array is asked for."),
    ("type", "    return places", "    return held", "It returns a dict, not numbers."),
    ("type", "places.append(place)", "places.append(float(place))",
     "The numbers are right, but they are floats such as 2.0, which can't pick anything: whole numbers are asked for."),
    ("type", "places.append(place)", "places.append((made, place))", "It returns a list, not numbers."),
    ("wrong_value", "places.append(place)", "places.append(len(busy))",
     "How many places are busy doesn't say which one is free: there may be a gap among them."),
)  # fmt: skip


def cases(rng):
    step = [("z", ("x", "w1")), ("a", ("z",)), ("o", ("a", "w2")), ("e", ("o", "y")), ("l", ("e",)), ("de", ("e",)),
            ("da", ("de", "w2")), ("dw2", ("de", "a")), ("dz", ("da", "a")), ("dw1", ("dz", "x"))]  # fmt: skip
    chain = [("a", ("x",)), ("b", ("a",)), ("c", ("b",)), ("d", ("c",))]
    shared = [
        ("a", ("x",)),
        ("b", ("a",)),
        ("c", ("a", "b")),
        ("d", ("b", "c", "a")),
        ("e", ("d", "c")),
        ("f", ("c", "e")),
    ]
    results = [("p", ("x",)), ("q", ("x", "w")), ("r", ("q", "q")), ("s", ("r", "w")), ("t", ("s",)), ("u", ("s", "t"))]
    return [(chain,), (step,), (shared,), (results,)]
