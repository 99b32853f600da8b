using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Governance.Gates.Benchmarks;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Testing.Registries;

// make bench: everything in one run on one machine; docs/performance.md is written anew. With names of parts (`warm`, `cold`, `approvals`, `verify`, `ledger`, `recorded`, `models`, `owners`, `reviews`, `sigstore`), those alone, and nothing is written.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is [LedgerBench.VerifyFolderName, var log, var vkey])
{
    return LedgerBench.VerifyFolder(log, vkey);
}

if (args is [ModelBench.MemoryName, var model])
{
    return await ModelBench.MemoryAsync(model);
}

if (Peers.WhyNot(Peers.Cosign, Peers.DockerRegistry) is { } missing)
{
    Console.Error.WriteLine(missing);
    return 1;
}

using var world = new BenchWorld();
var rows = new List<Row>();
await using (var registry = await DockerRegistry.StartAsync())
{
    (string Name, Func<DockerRegistry, Task> Measure)[] parts = [("warm", WarmAsync), ("cold", ColdAsync), ("approvals", ApprovalsAsync), ("verify", CommandLineAsync), ("ledger", _ => LedgerAsync()), ("recorded", RecordedAsync), ("models", _ => ModelsAsync()), ("owners", async _ => rows.AddRange(await OwnersBench.MeasureAsync())), ("reviews", async _ => rows.AddRange(await ReviewBench.MeasureAsync())), ("sigstore", async _ => rows.AddRange(await SigstoreBench.MeasureAsync()))];
    foreach (var part in parts.Where(part => args.Length == 0 || args.Contains(part.Name)))
    {
        await part.Measure(registry);
    }
}

if (args.Length > 0)
{
    Console.Write(Page(rows));
    return 0;
}

await DelayedAsync();
var page = Page(rows);
await File.WriteAllTextAsync(Path.Combine(ProjectTree.Root, "docs", "performance.md"), page);
Console.Write(page);
return rows.Count(row => !row.Holds);

async Task WarmAsync(DockerRegistry registry)
{
    var images = new List<string>();
    for (var i = 0; i < 3; i++)
    {
        images.Add(await world.SignedImageAsync(registry.Host, $"bench/warm-{i}"));
    }

    var review = BenchWorld.Review(images);
    var body = world.Write("review.json", review);
    var (process, address, client) = await world.StartWebhookAsync();
    await using var ending = process;
    using var forgetting = client;
    await AskAsync(client, address, review);
    var (validate, live) = (new Uri(address, "/validate?timeout=10s"), new Uri(address, "/health/live"));

    // Memory counts from the first request on, so it is read before the long runs.
    var asked = await CountAsync(client, address);
    while (asked < 10_000)
    {
        await Load.RunAsync(validate, body, 1);
        asked = await CountAsync(client, address);
    }

    var early = Rss(process.Id);
    await Load.RunAsync(live, null, 3);
    await Load.RunAsync(validate, body, 6);
    var (asks, lives) = (new List<Load>(), new List<Load>());
    for (var round = 0; round < 3; round++)
    {
        lives.Add(await Load.RunAsync(live, null, 8));
        asks.Add(await Load.RunAsync(validate, body, 8));
    }

    while (await CountAsync(client, address) < asked + 90_000)
    {
        await Load.RunAsync(validate, body, 1);
    }

    var late = Rss(process.Id);
    var ask = asks.OrderBy(load => load.PerSecond).ElementAt(1);
    var health = lives.OrderBy(load => load.PerSecond).ElementAt(1);
    var size = Encoding.UTF8.GetByteCount(review) / 1024.0;
    rows.Add(new($"`POST /validate`, warm, 3 containers, {size:0.0} KiB, TLS, 50 connections: requests/s", $"{ask.PerSecond:0}", $"`/health/live`: {health.PerSecond:0}", $"at least 0.4 of it: {ask.PerSecond / health.PerSecond:0.00}", ask.PerSecond >= 0.4 * health.PerSecond));
    rows.Add(new("the same: p50 / p95 / p99, ms", $"{ask.P50:0.00} / {ask.P95:0.00} / {ask.P99:0.00}", $"`/health/live`: {health.P50:0.00} / {health.P95:0.00} / {health.P99:0.00}", $"p99 at most 3 times its p99 and 6 ms: {ask.P99 / health.P99:0.00}", ask.P99 <= 3 * health.P99 && ask.P99 <= 6));
    rows.Add(new($"resident memory after {asked + 90_000:n0} requests, MiB", $"{late:0}", $"after {asked:n0}: {early:0}", $"at most 1.3 of it: {late / early:0.00}", late <= 1.3 * early));
}

async Task ColdAsync(DockerRegistry registry)
{
    const int Images = 15;
    var (process, address, client) = await world.StartWebhookAsync();
    await using var ending = process;
    using var forgetting = client;
    using var cosign = new Cosign();
    await AskAsync(client, address, BenchWorld.Review(await world.SignedImageAsync(registry.Host, "bench/first")));
    var (ours, theirs) = (new List<double>(), new List<double>());
    for (var i = 0; i < Images; i++)
    {
        var image = await world.SignedImageAsync(registry.Host, $"bench/cold-{i}");
        var review = BenchWorld.Review(image);
        ours.Add(await MillisecondsAsync(() => AskAsync(client, address, review)));
        theirs.Add(await MillisecondsAsync(async () => (await cosign.VerifyAsync(new("", world.PublicKeyFile, ""), image)).Succeeded()));
    }

    rows.Add(new("admission of an unseen image, key-signed, loopback registry: median ms", $"{Median(ours):0.0}", $"`cosign verify --key`: {Median(theirs):0.0}", $"at most 0.5 of it: {Median(ours) / Median(theirs):0.00}", Median(ours) <= 0.5 * Median(theirs)));
}

async Task ApprovalsAsync(DockerRegistry registry)
{
    var (process, address, client) = await world.StartApprovalWebhookAsync();
    await using var ending = process;
    using var forgetting = client;
    var (signed, approved) = (new List<string>(), new List<string>());
    for (var i = 0; i < 3; i++)
    {
        signed.Add(await world.SignedImageAsync(registry.Host, $"bench/plain-{i}"));
        approved.Add(await world.SignedImageAsync(registry.Host, $"live/warm-{i}"));
    }

    var deployment = BenchWorld.Review(approved);
    foreach (var image in approved)
    {
        await world.ApproveAsync(image, deployment, ["bob", "carol"]);
    }

    // What begins is recorded, and its Pods go on from there.
    await AskAsync(client, address, deployment);
    var (without, with) = (BenchWorld.PodReview(signed), BenchWorld.PodReview(approved));
    foreach (var review in (string[])[without, with])
    {
        await AskAsync(client, address, review);
    }

    var validate = new Uri(address, "/validate?timeout=10s");
    var (plainBody, body) = (world.Write("without.json", without), world.Write("with.json", with));
    await Load.RunAsync(validate, plainBody, 6);
    await Load.RunAsync(validate, body, 6);
    var (plain, asks) = (new List<double>(), new List<double>());
    for (var round = 0; round < 7; round++)
    {
        plain.Add((await Load.RunAsync(validate, plainBody, 4)).PerSecond);
        asks.Add((await Load.RunAsync(validate, body, 4)).PerSecond);
    }

    // Each run is held against the one before it, so that a machine that slows down on the way slows both.
    var ratio = Median([.. asks.Zip(plain, (one, other) => one / other)]);
    rows.Add(new("a Pod of three containers, warm, of a Deployment that was approved with its template: requests/s", $"{Median(asks):0}", $"the same of signed images that need no approval: {Median(plain):0}", $"at least 0.9 of it: {ratio:0.00}", ratio >= 0.9));

    const int Images = 15;
    using var cosign = new Cosign();
    var (ours, theirs) = (new List<double>(), new List<double>());
    for (var i = 0; i < Images; i++)
    {
        var image = await world.SignedImageAsync(registry.Host, $"live/cold-{i}");
        var review = BenchWorld.Review(image);
        await world.ApproveAsync(image, review, BenchWorld.People.Skip(1));
        ours.Add(await MillisecondsAsync(() => AskAsync(client, address, review)));
        theirs.Add(await MillisecondsAsync(async () => (await cosign.VerifyAttestationAsync(new("", world.PublicKeyOf("bob"), ""), image, "https://governance.gates/approval/v1", AttestationForm.Bundle)).Succeeded()));
    }

    rows.Add(new("admission of an unseen image with a request and five approvals: median ms", $"{Median(ours):0.0}", $"`cosign verify-attestation` for one of them: {Median(theirs):0.0}", "", true));
}

async Task DelayedAsync()
{
    const int Delay = 40;
    await using var registry = await LoopbackRegistry.StartAsync();
    registry.ReferrersApi = false;
    var images = new List<string>();
    for (var i = 0; i < 15; i++)
    {
        images.Add(await world.SignedImageAsync(registry.Host, $"bench/far-{i}"));
    }

    registry.Delay = TimeSpan.FromMilliseconds(Delay);
    var (process, address, client) = await world.StartWebhookAsync();
    await using var ending = process;
    using var forgetting = client;
    await AskAsync(client, address, BenchWorld.Review(images[0]));
    var times = new List<double>();
    foreach (var image in images.Skip(1))
    {
        times.Add(await MillisecondsAsync(() => AskAsync(client, address, BenchWorld.Review(image))));
    }

    rows.Add(new($"admission of an unseen image, {Delay} ms added to each registry answer: median ms", $"{Median(times):0.0}", $"one answer: {Delay}", $"at most 4 of them: {Median(times) / Delay:0.00}", Median(times) <= 4 * Delay));
}

async Task CommandLineAsync(DockerRegistry registry)
{
    using var cosign = new Cosign();
    var image = await world.SignedImageAsync(registry.Host, "bench/cli");
    var gates = BenchWorld.Program("gates");
    var (ours, theirs, start) = (new List<double>(), new List<double>(), new List<double>());
    for (var i = 0; i < 21; i++)
    {
        ours.Add(await MillisecondsAsync(async () => (await Command.RunAsync(gates, ["verify", image, "--key", world.PublicKeyFile])).Succeeded()));
        theirs.Add(await MillisecondsAsync(async () => (await cosign.VerifyAsync(new("", world.PublicKeyFile, ""), image)).Succeeded()));
        start.Add(await MillisecondsAsync(async () => (await Command.RunAsync(gates, ["version"])).Succeeded()));
    }

    rows.Add(new("`gates verify --key`, NativeAOT, whole process: median ms", $"{Median(ours):0.0}", $"`cosign verify --key`: {Median(theirs):0.0}", $"at most 2.5 of it: {Median(ours) / Median(theirs):0.00}", Median(ours) <= 2.5 * Median(theirs)));
    rows.Add(new("of it, start-up (`gates version`): median ms", $"{Median(start):0.0}", "", "", true));
}

async Task RecordedAsync(DockerRegistry registry)
{
    const int Rate = 5_000;
    var images = new List<string>();
    for (var i = 0; i < 3; i++)
    {
        images.Add(await world.SignedImageAsync(registry.Host, $"bench/recorded-{i}"));
    }

    var review = BenchWorld.Review(images);
    var body = world.Write("recorded.json", review);
    var (plain, plainAddress, plainClient) = await world.StartWebhookAsync();
    await using var ending = plain;
    using var forgetting = plainClient;
    var (recording, recordingAddress, recordingClient) = await world.StartRecordingWebhookAsync();
    await using var endingToo = recording;
    using var forgettingToo = recordingClient;
    var (without, with, raw) = (new List<Load>(), new List<Load>(), new List<double>());
    foreach (var (client, address) in ((HttpClient, Uri)[])[(plainClient, plainAddress), (recordingClient, recordingAddress)])
    {
        await AskAsync(client, address, review);
        await Load.RunAsync(new(address, "/validate?timeout=10s"), body, 10, Rate);
    }

    using var disk = new LedgerBench();
    for (var round = 0; round < 5; round++)
    {
        raw.Add(disk.RawP99());
        without.Add(await Load.RunAsync(new(plainAddress, "/validate?timeout=10s"), body, 8, Rate));
        with.Add(await Load.RunAsync(new(recordingAddress, "/validate?timeout=10s"), body, 8, Rate));
    }

    var (off, on, sync) = (Median([.. without.Select(load => load.P99)]), Median([.. with.Select(load => load.P99)]), Median(raw));
    var entries = (await recordingClient.GetStringAsync(new Uri(recordingAddress, "/metrics"))).Split('\n').Single(line => line.StartsWith("gates_ledger_entries ", StringComparison.Ordinal)).Split(' ')[1];
    rows.Add(new($"`POST /validate` at {with.Average(load => load.PerSecond):0} requests/s, each in the ledger ({entries} entries) before it is answered: p99, ms", $"{on:0.00}", $"without a ledger at {without.Average(load => load.PerSecond):0}: {off:0.00}; one write with fdatasync: p99 {sync:0.00}", $"higher by at most 3 of those: {(on - off) / sync:0.00}", on - off <= 3 * sync));
}

async Task LedgerAsync()
{
    using var ledger = new LedgerBench();
    rows.AddRange(await ledger.MeasureAsync());
}

async Task ModelsAsync()
{
    using var models = new ModelBench();
    rows.AddRange(await models.MeasureAsync());
}

static async Task AskAsync(HttpClient client, Uri address, string review)
{
    using var content = new StringContent(review, Encoding.UTF8, "application/json");
    using var response = await client.PostAsync(new Uri(address, "/validate?timeout=10s"), content);
    using var json = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync());
    if (!json.RootElement.GetProperty("response").GetProperty("allowed").GetBoolean())
    {
        throw new InvalidOperationException(json.RootElement.ToString());
    }
}

static async Task<long> CountAsync(HttpClient client, Uri address) =>
    (await client.GetStringAsync(new Uri(address, "/metrics"))).Split('\n').Where(line => line.StartsWith("gates_admission_requests_total{", StringComparison.Ordinal)).Sum(line => long.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

static double Rss(int process) =>
    double.Parse(File.ReadLines($"/proc/{process}/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;

static async Task<double> MillisecondsAsync(Func<Task> action)
{
    var since = Stopwatch.GetTimestamp();
    await action();
    return Stopwatch.GetElapsedTime(since).TotalMilliseconds;
}

static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

static string Page(IEnumerable<Row> rows)
{
    var cpu = File.ReadLines("/proc/cpuinfo").First(line => line.StartsWith("model name", StringComparison.Ordinal)).Split(':')[1].Trim();
    var page = new StringBuilder("# Performance\n\nWritten by `make bench`. Everything is measured in one run on one machine, the programs as published:\n")
        .Append($"gates by NativeAOT, the webhook trimmed and ReadyToRun. Last run: {Environment.ProcessorCount} cores of {cpu}, which the load generator shares; .NET {Environment.Version}; {DateTime.UtcNow:yyyy-MM-dd}.\n\n")
        .Append("| what | measured | beside | asked | holds |\n|---|---|---|---|---|\n");
    foreach (var row in rows)
    {
        page.Append($"| {row.What} | {row.Measured} | {row.Beside} | {row.Asked} | {(row.Asked.Length == 0 ? "" : row.Holds ? "yes" : "**no**")} |\n");
    }

    return page.ToString();
}

internal sealed record Row(string What, string Measured, string Beside, string Asked, bool Holds);
