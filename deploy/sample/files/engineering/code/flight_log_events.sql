-- Questions to the flight log database that come up every month. Tables: flight (one row per take-off to landing),
-- event (advisories and landings with their letter), frame (decimated to 5 Hz). Times are UTC; hull is 'G-07' and the like.

-- 1. Forced landings per 10,000 flight hours, by release. The number that goes to NMR each quarter.
--    Letters P, S and D are not counted: power, speed and depth are the master's business, not ours.
SELECT f.release,
       round(sum(extract(epoch FROM f.landed - f.took_off)) / 3600)                        AS hours,
       count(e.id) FILTER (WHERE e.letter IN ('H', 'L', 'X'))                              AS forced,
       round(10000.0 * count(e.id) FILTER (WHERE e.letter IN ('H', 'L', 'X'))
             / nullif(sum(extract(epoch FROM f.landed - f.took_off)) / 3600, 0), 2)        AS per_10000_hours
FROM   flight f
LEFT   JOIN LATERAL (SELECT id, letter FROM event WHERE event.flight = f.id AND kind = 'landing' LIMIT 1) e ON true
GROUP  BY f.release
ORDER  BY f.release;

-- 2. Radars that are quieter than their neighbours. A slow version of what the voter does, over weeks instead of
--    seconds: finds windows that have become milky before they become a problem.
SELECT hull, sensor, avg(deviation) AS quiet, count(*) AS minutes
FROM   sensor_minute
WHERE  at > now() - interval '28 days' AND wave_height BETWEEN 0.4 AND 1.0
GROUP  BY hull, sensor
HAVING avg(deviation) < 0.6 * (SELECT avg(deviation) FROM sensor_minute s
                               WHERE s.hull = sensor_minute.hull AND s.at > now() - interval '28 days')
ORDER  BY quiet;

-- 3. HUMP: take-offs given up in the drag hump. Three in a week on one hull usually means fouling; on all hulls of one
--    operator it means that somebody has painted something.
SELECT hull, date_trunc('week', at) AS week, count(*) AS humps
FROM   event
WHERE  code = 'HUMP' AND at > now() - interval '90 days'
GROUP  BY hull, week
HAVING count(*) >= 3
ORDER  BY week DESC, humps DESC;

-- 4. Longest control frame per hull and month. Over 16 ms deserves a look at the cooling, over 18 ms raises an event.
SELECT hull, date_trunc('month', at) AS month, max(frame_ms) AS longest
FROM   frame_stat
GROUP  BY hull, month
HAVING max(frame_ms) > 15
ORDER  BY longest DESC;

-- Do not run number 2 without the interval: the table has 61 million rows and Mei-Ling will come to your desk.
