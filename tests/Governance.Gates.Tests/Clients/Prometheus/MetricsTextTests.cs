using System.Diagnostics.Metrics;
using Governance.Gates.Clients.Prometheus;

namespace Governance.Gates.Tests.Clients.Prometheus;

public sealed class MetricsTextTests : IDisposable
{
    private readonly Meter meter = new("test");
    private readonly MetricsText text;

    public MetricsTextTests() => text = new(meter);

    public void Dispose()
    {
        text.Dispose();
        meter.Dispose();
    }

    [Fact]
    public void A_counter_is_written_with_its_help_type_and_labels()
    {
        var counter = meter.CreateCounter<long>("things_total", description: "Things.");
        counter.Add(2, new("kind", "a"), new("size", "b"));
        counter.Add(3, new("kind", "a"), new("size", "b"));
        counter.Add(1);
        Assert.Equal("# HELP things_total Things.\n# TYPE things_total counter\nthings_total 1\nthings_total{kind=\"a\",size=\"b\"} 5\n", text.Write());
    }

    [Fact]
    public void A_histogram_counts_into_every_bucket_above_and_a_bound_belongs_to_its_own()
    {
        var histogram = meter.CreateHistogram<double>("took_seconds", null, "Time.", null, new() { HistogramBucketBoundaries = [0.005, 1] });
        foreach (var value in (double[])[0.001, 0.005, 0.5, 7])
        {
            histogram.Record(value);
        }

        Assert.Equal(
            "# HELP took_seconds Time.\n# TYPE took_seconds histogram\ntook_seconds_bucket{le=\"0.005\"} 2\ntook_seconds_bucket{le=\"1\"} 3\ntook_seconds_bucket{le=\"+Inf\"} 4\ntook_seconds_sum 7.506\ntook_seconds_count 4\n",
            text.Write());
    }

    [Fact]
    public void A_gauge_holds_only_what_is_measured_now()
    {
        var version = "1";
        meter.CreateObservableGauge("info", () => new Measurement<long>(1, new KeyValuePair<string, object?>("version", version)), description: "Info.");
        Assert.Contains("info{version=\"1\"} 1\n", text.Write(), StringComparison.Ordinal);
        version = "2";
        Assert.Equal("# HELP info Info.\n# TYPE info gauge\ninfo{version=\"2\"} 1\n", text.Write());
    }

    [Fact]
    public void Label_values_are_escaped_as_the_format_says()
    {
        meter.CreateCounter<long>("c_total").Add(1, new KeyValuePair<string, object?>("l", "a\\b\"c\nd"));
        Assert.Contains("""c_total{l="a\\b\"c\nd"} 1""", text.Write(), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_end_of_new_labels_the_series_stay_bounded_and_the_sum_right()
    {
        var counter = meter.CreateCounter<long>("c_total");
        for (var i = 0; i < 5_000; i++)
        {
            counter.Add(1, new KeyValuePair<string, object?>("l", i.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        }

        counter.Add(1, new KeyValuePair<string, object?>("l", new string('x', 10_000)));
        var lines = text.Write().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#').ToArray();
        Assert.InRange(lines.Length, 1_000, 1_001);
        Assert.Equal(5_001, lines.Sum(line => long.Parse(line[(line.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void Instruments_of_another_meter_of_the_same_name_are_not_ours()
    {
        using var other = new Meter("test");
        other.CreateCounter<long>("c_total").Add(1);
        Assert.Empty(text.Write());
    }
}
