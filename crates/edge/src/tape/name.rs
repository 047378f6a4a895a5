//! Names of segment files: the UTC time of the first input and a number, so that they sort in the order of writing.

use fathometer_engine::units::{NANOS_PER_MILLI, Nanos};

/// What follows the name of a tape segment.
pub(crate) const EXTENSION: &str = "ftape";

/// `YYYYMMDDTHHMMSS.mmmZ` of a time; times outside the years 0 to 9999 are written as the nearest within.
pub(crate) fn stamp(at: Nanos) -> String {
    const FIRST: i64 = -62_167_219_200_000; // 0000-01-01T00:00:00.000
    const LAST: i64 = 253_402_300_799_999; // 9999-12-31T23:59:59.999
    let millis = at.0.div_euclid(NANOS_PER_MILLI).clamp(FIRST, LAST);
    let (day, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let (year, month, day) = civil(day);
    let (seconds, millis) = (rest / 1000, rest % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{millis:03}Z")
}

/// The whole name.
pub(crate) fn segment(stamp: &str, number: u32) -> String {
    format!("{stamp}-{number:06}.{EXTENSION}")
}

/// Year, month and day of a number of days since 1970-01-01. Years are counted from March, so that the leap day is the
/// last of its year and a cycle of 400 years (146,097 days) begins with one of 365 days.
fn civil(days: i64) -> (i64, i64, i64) {
    const CYCLE: i64 = 146_097;
    let from_march_0000 = days + 719_468;
    let (cycle, day) = (from_march_0000.div_euclid(CYCLE), from_march_0000.rem_euclid(CYCLE));
    let leap_days_before = day / 1460 - day / 36_524 + day / 146_096;
    let year = (day - leap_days_before) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153; // March is 0; five months always have 153 days
    let date = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (cycle * 400 + year + carry, month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_follows_the_one_before() {
        let mut expected = (1600, 1, 1);
        for days in -135_140..=100_000 {
            assert_eq!(civil(days), expected, "day {days}");
            let (year, month, day) = expected;
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = [31, 28 + i64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month as usize - 1];
            expected = match (day == length, month == 12) {
                (false, _) => (year, month, day + 1),
                (true, false) => (year, month + 1, 1),
                (true, true) => (year + 1, 1, 1),
            };
        }
    }

    #[test]
    fn names_are_utc_and_sort() {
        assert_eq!(segment(&stamp(Nanos(0)), 0), "19700101T000000.000Z-000000.ftape");
        assert_eq!(stamp(Nanos(1_723_161_255_088_156_767)), "20240808T235415.088Z");
        assert_eq!(stamp(Nanos(-1)), "19691231T235959.999Z");
        assert_eq!(stamp(Nanos(i64::MAX)), "22620411T234716.854Z");
        assert!(segment("20240808T235415.088Z", 9) < segment("20240808T235415.088Z", 10));
    }
}
