//! Draws runs as SVG: a chart for each run, and one that compares the goodput of all.

use plotters::coord::types::RangedCoordf64;
use plotters::coord::Shift;
use plotters::prelude::*;
use tidegate_simulation::control::{Kind, Phase};
use tidegate_simulation::scenario::Scenario;
use tidegate_simulation::world::{Second, Series};

/// Width and height in pixels.
const SIZE: (u32, u32) = (900, 520);
/// Height of the upper part of the chart of a run; the lower part shows the crowd.
const UPPER: u32 = 370;
/// Height of each part of the comparison, and of its title.
const STRIP: u32 = 100;
const TITLE: u32 = 30;
/// Width of the legend, to the right of the chart.
const LEGEND: u32 = 150;
/// Longer runs are drawn with this many points, each the mean of several seconds.
const MAX_POINTS: usize = 280;
/// Values above this multiple of the capacity are cut off, so that the rest stays readable.
const MAX_LOADS: f64 = 3.5;

const GREY: RGBColor = RGBColor(0x77, 0x77, 0x77);
const LIGHT: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);
const BLUE: RGBColor = RGBColor(0x1f, 0x77, 0xb4);
const GREEN: RGBColor = RGBColor(0x14, 0x8a, 0x3d);
const ORANGE: RGBColor = RGBColor(0xe0, 0x7b, 0x00);
const RED: RGBColor = RGBColor(0xc6, 0x28, 0x28);
const PURPLE: RGBColor = RGBColor(0x7b, 0x3f, 0xa0);

/// Name, color and value of a line.
type Line = (&'static str, RGBColor, fn(&Second) -> f64);

/// The lines of the chart of a run; later ones are drawn over earlier ones.
const LINES: [Line; 6] = [
    ("offered", GREY, |s| s.offered as f64),
    ("of these returning", PURPLE, |s| s.returning as f64),
    ("rejected", ORANGE, |s| s.rejected as f64),
    ("admitted", BLUE, |s| s.admitted as f64),
    ("capacity", BLACK, |s| s.capacity),
    ("goodput", GREEN, |s| s.good as f64),
];

/// The states of the breaker, drawn as background colors.
fn states() -> [(Phase, &'static str, RGBAColor); 3] {
    [
        (Phase::Open, "open", RED.mix(0.25)),
        (Phase::HalfOpen, "half-open", ORANGE.mix(0.45)),
        (Phase::Ramp, "ramp", BLUE.mix(0.14)),
    ]
}

/// A value over time, drawn as an area: what is below its line, and the line.
type Layer = (RGBAColor, RGBColor, fn(&Second) -> f64);

/// The colors of the strategies that bring visitors back, in the order of the tables.
const STRATEGIES: [RGBColor; 5] = [RED, ORANGE, PURPLE, GREEN, GREY];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'b, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
/// Errors of drawing are texts.
type Drawn<T> = Result<T, String>;

/// Draws one run: rates and states above, waiting clients below.
pub(crate) fn run(scenario: Scenario, kind: Kind, series: &Series) -> Drawn<String> {
    let seconds = &series.seconds;
    let title = format!("{}: {}", scenario.name(), kind.title());
    paint(SIZE, &title, |area| {
        let (upper, lower) = area.split_vertically(UPPER);
        let capacity = most(seconds, |s| s.capacity);
        let all = most(seconds, |s| f64::from(s.offered));
        let top = all.min(capacity * MAX_LOADS).max(1.0) * 1.02;
        let unit = if all > top {
            format!("requests per second (up to {all:.0}, cut off)")
        } else {
            "requests per second".to_owned()
        };
        let mut chart = chart(&upper, seconds.len(), top, &unit)?;
        bands(&mut chart, seconds, top)?;
        for (_, color, of) in LINES {
            let style = color.stroke_width(if color == GREEN { 2 } else { 1 });
            let line = LineSeries::new(points(seconds, of, top), style);
            chart.draw_series(line).map_err(said)?;
        }
        legend(
            &upper,
            &LINES.map(|(name, color, _)| (name, color)),
            &states(),
        )?;
        let waiting = most(seconds, |s| s.waiting as f64).max(1.0) * 1.05;
        let mut chart = self::chart(&lower, seconds.len(), waiting, "waiting to return")?;
        let crowd = points(seconds, |s| s.waiting as f64, waiting);
        let area = AreaSeries::new(crowd, 0.0, PURPLE.mix(0.25)).border_style(PURPLE);
        chart.draw_series(area).map_err(said)?;
        Ok(())
    })
}

/// Draws the goodput of several breakers in one scenario.
pub(crate) fn comparison(scenario: Scenario, runs: &[(Kind, Series)]) -> Drawn<String> {
    let title = format!(
        "{}: goodput (green) of the capacity (grey)",
        scenario.name()
    );
    let strips: Vec<_> = runs
        .iter()
        .map(|(kind, series)| (kind.title(), series))
        .collect();
    let layers: [Layer; 2] = [
        (LIGHT.mix(0.8), GREY, |s| s.capacity),
        (GREEN.mix(0.45), GREEN, |s| f64::from(s.good)),
    ];
    strips_of(&title, &strips, 1.1, &layers)
}

/// Draws the requests that reach the upstream, and all that come, for several strategies.
pub(crate) fn loads(title: &str, runs: &[(&str, &Series)]) -> Drawn<String> {
    let title = format!("{title}: requests (orange), sent on (blue), capacity (grey)");
    let layers: [Layer; 3] = [
        (ORANGE.mix(0.25), ORANGE, |s| {
            f64::from(s.offered + s.hammer())
        }),
        (LIGHT.mix(0.8), GREY, |s| s.capacity),
        (BLUE.mix(0.45), BLUE, |s| {
            f64::from(s.admitted + s.hammer_sent)
        }),
    ];
    strips_of(&title, runs, MAX_LOADS, &layers)
}

/// Draws how many of the visitors whom an outage turned away are back, over the time since its end.
pub(crate) fn back(title: &str, end_ms: u64, runs: &[(&str, &Series)]) -> Drawn<String> {
    let title = format!("{title}: visitors who are back, in %");
    let seconds = runs.iter().map(|(_, series)| series.seconds.len()).max();
    let seconds = seconds
        .unwrap_or(0)
        .saturating_sub((end_ms / 1000) as usize);
    paint((SIZE.0, UPPER), &title, |area| {
        let mut chart = chart(area, seconds, 102.0, "% of those turned away")?;
        let each = seconds.div_ceil(MAX_POINTS).max(1);
        for ((_, series), color) in runs.iter().zip(STRATEGIES) {
            let waits = &series.waits;
            let percent = |second: usize| {
                let until_ms = end_ms + second as u64 * 1000;
                let count = waits.back_ms.partition_point(|&at_ms| at_ms < until_ms);
                (
                    second as f64,
                    100.0 * count as f64 / waits.turned_away.max(1) as f64,
                )
            };
            let line = (0..=seconds).step_by(each).map(percent);
            let line = LineSeries::new(line, color.stroke_width(2));
            chart.draw_series(line).map_err(said)?;
        }
        let lines = runs.iter().zip(STRATEGIES);
        let lines: Vec<_> = lines.map(|((name, _), color)| (*name, color)).collect();
        legend(area, &lines, &[])
    })
}

/// Draws values of several runs, each up to `loads` times the capacity.
fn strips_of(title: &str, runs: &[(&str, &Series)], loads: f64, layers: &[Layer]) -> Drawn<String> {
    let height = STRIP * u32::try_from(runs.len()).unwrap_or(1) + TITLE;
    paint((SIZE.0, height), title, |area| {
        for ((name, series), strip) in runs.iter().zip(area.split_evenly((runs.len(), 1))) {
            let seconds = &series.seconds;
            let top = most(seconds, |s| s.capacity).max(1.0) * loads;
            let strip = strip.titled(name, ("sans-serif", 13)).map_err(said)?;
            let mut chart = ChartBuilder::on(&strip)
                .margin_left(8)
                .margin_right(16)
                .x_label_area_size(18)
                .y_label_area_size(40)
                .build_cartesian_2d(0.0..seconds.len().max(1) as f64, 0.0..top)
                .map_err(said)?;
            mesh(&mut chart, 3, "", "")?;
            for (inside, border, of) in layers {
                let area = AreaSeries::new(points(seconds, of, top), 0.0, inside);
                chart.draw_series(area.border_style(border)).map_err(said)?;
            }
        }
        Ok(())
    })
}

/// Returns an SVG whose title is visible and accessible.
fn paint(
    size: (u32, u32),
    title: &str,
    draw: impl for<'a> FnOnce(&Area<'a>) -> Drawn<()>,
) -> Drawn<String> {
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        root.fill(&WHITE).map_err(said)?;
        let area = root.titled(title, ("sans-serif", 18)).map_err(said)?;
        draw(&area)?;
        root.present().map_err(said)?;
    }
    let spoken = format!("<title>{title}</title>\n<rect");
    Ok(text.replacen("<rect", &spoken, 1))
}

fn chart<'a, 'b>(area: &'b Area<'a>, seconds: usize, top: f64, unit: &str) -> Drawn<Chart<'a, 'b>> {
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(LEGEND)
        .x_label_area_size(32)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..seconds.max(1) as f64, 0.0..top)
        .map_err(said)?;
    mesh(&mut chart, 6, "seconds", unit)?;
    Ok(chart)
}

/// Draws axes and grid.
fn mesh(chart: &mut Chart<'_, '_>, labels: usize, x: &str, y: &str) -> Drawn<()> {
    chart
        .configure_mesh()
        .max_light_lines(0)
        .bold_line_style(LIGHT)
        .label_style(("sans-serif", 12))
        .x_labels(12)
        .y_labels(labels)
        .x_desc(x)
        .y_desc(y)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()
        .map_err(said)
}

/// Draws the states: at each point the one furthest from closed.
fn bands(chart: &mut Chart<'_, '_>, seconds: &[Second], top: f64) -> Drawn<()> {
    let each = each(seconds);
    let worst = |chunk: &[Second]| {
        let phases = [Phase::Open, Phase::HalfOpen, Phase::Ramp];
        phases
            .into_iter()
            .find(|&phase| chunk.iter().any(|second| second.phase == phase))
            .unwrap_or(Phase::Closed)
    };
    let phases: Vec<Phase> = seconds.chunks(each).map(worst).collect();
    for (phase, _, color) in states() {
        let mut rectangles = Vec::new();
        let mut from = 0;
        for chunk in phases.chunk_by(|a, b| a == b) {
            let to = from + chunk.len();
            if chunk.first() == Some(&phase) {
                let corners = [((from * each) as f64, 0.0), ((to * each) as f64, top)];
                rectangles.push(Rectangle::new(corners, color.filled()));
            }
            from = to;
        }
        chart.draw_series(rectangles).map_err(said)?;
    }
    Ok(())
}

/// Draws the legend to the right of the chart: lines, and states of the breaker.
fn legend(
    area: &Area<'_>,
    lines: &[(&str, RGBColor)],
    states: &[(Phase, &str, RGBAColor)],
) -> Drawn<()> {
    let x = i32::try_from(SIZE.0 - LEGEND).unwrap_or(0) + 12;
    let mut y = 20;
    let name = |text: &str, y: i32| {
        let text = Text::new(text.to_owned(), (x + 24, y - 6), ("sans-serif", 12));
        area.draw(&text).map_err(said)
    };
    for &(text, color) in lines {
        let sample = PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2));
        area.draw(&sample).map_err(said)?;
        name(text, y)?;
        y += 18;
    }
    for &(_, text, color) in states {
        let sample = Rectangle::new([(x, y - 6), (x + 18, y + 6)], color.filled());
        area.draw(&sample).map_err(said)?;
        name(text, y)?;
        y += 18;
    }
    Ok(())
}

/// Returns one point for each second, or for several, cut off at `top`. Of a constant section only
/// the ends are kept.
fn points(seconds: &[Second], of: impl Fn(&Second) -> f64, top: f64) -> Vec<(f64, f64)> {
    let each = each(seconds);
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (at, chunk) in seconds.chunks(each).enumerate() {
        let mean = chunk.iter().map(&of).sum::<f64>() / chunk.len() as f64;
        let point = ((at * each) as f64 + chunk.len() as f64 / 2.0, mean.min(top));
        if let [.., (_, before), (x, last)] = &mut points[..] {
            if *before == *last && *last == point.1 {
                *x = point.0;
                continue;
            }
        }
        points.push(point);
    }
    points
}

/// Returns the number of seconds per point.
fn each(seconds: &[Second]) -> usize {
    seconds.len().div_ceil(MAX_POINTS).max(1)
}

fn most(seconds: &[Second], of: impl Fn(&Second) -> f64) -> f64 {
    seconds.iter().map(of).fold(0.0, f64::max)
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
