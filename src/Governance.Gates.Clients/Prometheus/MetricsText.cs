using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Governance.Gates.Clients.Prometheus;

/// <summary>Collects one meter's counters, histograms and gauges, and writes them in the Prometheus text exposition format, version 0.0.4.</summary>
/// <remarks>Histograms take their buckets from the instrument's advice. Instruments are of <see cref="long"/> or <see cref="double"/>.</remarks>
public sealed class MetricsText : IDisposable
{
    /// <summary>The content type of <see cref="Write"/>.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private const int MostSeries = 1_000;
    private readonly MeterListener listener = new();
    private readonly ConcurrentDictionary<Instrument, Family> families = new();

    // One exposition at a time: each forgets the gauges and measures them anew.
    private readonly Lock writing = new();

    /// <summary>Listens to every instrument of <paramref name="meter"/>, those made before and after.</summary>
    public MetricsText(Meter meter)
    {
        ArgumentNullException.ThrowIfNull(meter);
        listener.InstrumentPublished = (instrument, published) =>
        {
            if (ReferenceEquals(instrument.Meter, meter))
            {
                published.EnableMeasurementEvents(instrument, families.GetOrAdd(instrument, static made => new Family(made)));
            }
        };
        listener.SetMeasurementEventCallback<long>(static (_, value, tags, state) => ((Family)state!).Record(value, tags));
        listener.SetMeasurementEventCallback<double>(static (_, value, tags, state) => ((Family)state!).Record(value, tags));
        listener.Start();
    }

    /// <summary>The exposition, families in the order of their names.</summary>
    public string Write()
    {
        lock (writing)
        {
            foreach (var family in families.Values)
            {
                family.ForgetGauges();
            }

            listener.RecordObservableInstruments();
            var text = new StringBuilder();
            foreach (var family in families.Values.OrderBy(family => family.Name, StringComparer.Ordinal))
            {
                family.Write(text);
            }

            return text.ToString();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => listener.Dispose();

    private sealed class Family(Instrument instrument)
    {
        private readonly ConcurrentDictionary<string, Series> series = new(StringComparer.Ordinal);
        private readonly bool isGauge = instrument.IsObservable;
        private readonly double[]? bounds = instrument is Histogram<double> histogram ? [.. histogram.Advice?.HistogramBucketBoundaries ?? []] : null;

        public string Name => instrument.Name;

        // A gauge has the labels of this measurement only: those of the policy before would name two policies in force.
        public void ForgetGauges()
        {
            if (isGauge)
            {
                series.Clear();
            }
        }

        public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            Span<char> buffer = stackalloc char[256];
            var labels = Labels(tags, buffer, out var written) ? buffer[..written] : default;
            if (!series.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(labels, out var found))
            {
                // Labels come from the policy and from closed sets. Should they ever not, the sum stays right and memory bounded.
                found = series.GetOrAdd(series.Count < MostSeries ? labels.ToString() : "", static (_, size) => new Series(size), bounds?.Length ?? 0);
            }

            if (isGauge)
            {
                found.Set(value);
            }
            else
            {
                found.Add(value, bounds);
            }
        }

        public void Write(StringBuilder text)
        {
            text.Append("# HELP ").Append(Name).Append(' ').Append(instrument.Description).Append('\n');
            text.Append("# TYPE ").Append(Name).Append(' ').Append(bounds is not null ? "histogram" : isGauge ? "gauge" : "counter").Append('\n');
            foreach (var (labels, values) in series.OrderBy(entry => entry.Key, StringComparer.Ordinal))
            {
                if (bounds is null)
                {
                    Line(text, Name, labels, null, values.Sum);
                    continue;
                }

                var counts = values.Counts();
                long sum = 0;
                for (var i = 0; i < bounds.Length; i++)
                {
                    sum += counts[i];
                    Line(text, Name + "_bucket", labels, bounds[i].ToString(CultureInfo.InvariantCulture), sum);
                }

                sum += counts[^1];
                Line(text, Name + "_bucket", labels, "+Inf", sum);
                Line(text, Name + "_sum", labels, null, values.Sum);
                Line(text, Name + "_count", labels, null, sum);
            }
        }

        private static void Line(StringBuilder text, string name, string labels, string? bound, double value)
        {
            text.Append(name);
            var all = bound is null ? labels : labels.Length == 0 ? $"le=\"{bound}\"" : $"{labels},le=\"{bound}\"";
            if (all.Length > 0)
            {
                text.Append('{').Append(all).Append('}');
            }

            text.Append(' ').Append(value.ToString(CultureInfo.InvariantCulture)).Append('\n');
        }

        private static bool Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags, Span<char> buffer, out int written)
        {
            written = 0;
            foreach (var (name, value) in tags)
            {
                if (!buffer[written..].TryWrite(CultureInfo.InvariantCulture, $"{(written == 0 ? "" : ",")}{name}=\"{Escape(value as string ?? "")}\"", out var length))
                {
                    return false;
                }

                written += length;
            }

            return true;
        }

        private static string Escape(string value) =>
            value.AsSpan().ContainsAny('\\', '"', '\n') ? value.Replace(@"\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", @"\n", StringComparison.Ordinal) : value;
    }

    private sealed class Series(int bounds)
    {
        private readonly long[] counts = new long[bounds + 1];
        private readonly Lock adding = new();
        private double sum;

        public double Sum
        {
            get
            {
                lock (adding)
                {
                    return sum;
                }
            }
        }

        public void Set(double value)
        {
            lock (adding)
            {
                sum = value;
            }
        }

        public void Add(double value, double[]? buckets)
        {
            lock (adding)
            {
                sum += value;
                if (buckets is not null)
                {
                    var index = Array.FindIndex(buckets, bound => value <= bound);
                    counts[index < 0 ? ^1 : index]++;
                }
            }
        }

        public long[] Counts()
        {
            lock (adding)
            {
                return [.. counts];
            }
        }
    }
}
