using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Governance.Gates.Admission;
using Governance.Gates.Clients.Evidence;
using Microsoft.AspNetCore.WebUtilities;

namespace Governance.Gates.Webhook;

/// <summary>Answers AdmissionReviews. Whatever happens, a request of the API server whose uid can be read gets HTTP 200 with a verdict.</summary>
internal sealed partial class AdmissionEndpoint(LivePolicy policy, AdmissionJudge judge, GateLedger ledger, GateMetrics metrics, ClientAuthorities clients, WebhookOptions options, TimeProvider clock, ILogger<AdmissionEndpoint> log)
{
    // A Pod can hold thousands of images, and its line in the log must stay readable.
    private const int MostLogged = 16;
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(10);
    private readonly TemplateMemo templates = new();

    public async Task ValidateAsync(HttpContext context)
    {
        if (!clients.Know(context))
        {
            // Before the body: who is not the API server learns nothing of the policy, leaves no record and uses nothing up.
            LogStranger(context.Connection.RemoteIpAddress?.ToString() ?? "");
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            context.Response.ContentType = "text/plain";
            await context.Response.WriteAsync("reviews are taken from the API server alone, which shows a client certificate of one of the gate's --client-ca\n");
            return;
        }

        var began = clock.GetTimestamp();
        var length = 0;
        var body = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(context.Request.ContentLength ?? 16 * 1024, 1024, AdmissionReview.MaxBytes + 1));
        try
        {
            while (length <= AdmissionReview.MaxBytes && await context.Request.Body.ReadAsync(body.AsMemory(length), context.RequestAborted) is > 0 and var read)
            {
                length += read;
                if (length == body.Length && length <= AdmissionReview.MaxBytes)
                {
                    var larger = ArrayPool<byte>.Shared.Rent(Math.Min(body.Length * 2, AdmissionReview.MaxBytes + 1));
                    body.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(body);
                    body = larger;
                }
            }

            await AnswerAsync(context, body.AsMemory(0, length), began);
        }
        catch (BadHttpRequestException exception)
        {
            // The client's mistake or its end, such as a body that is cut off or that drips.
            metrics.Unreadable();
            var uid = AdmissionReview.FindUid(body.AsSpan(0, length));
            LogUnreadable(uid ?? "", exception.Message);
            if (!context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted)
            {
                await RefuseUnreadAsync(context, uid, new Reason("admission", exception.Message, "send an AdmissionReview as the API server does"));
            }
        }
#pragma warning disable CA1031 // The API server reads anything but 200 as a failed call, which a webhook under failurePolicy Ignore admits: a defect of ours must refuse.
        catch (Exception exception) when (!context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted)
#pragma warning restore CA1031
        {
            metrics.Failed();
            var uid = AdmissionReview.FindUid(body.AsSpan(0, length));
            LogFailed(exception, uid ?? "");
            var reason = new Reason("admission", $"the gate failed with {exception.GetType().Name}", "report this defect with the request's uid");
            await RefuseAsync(context, uid, reason);
            if (uid is not null)
            {
                // Behind the answer: what failed may be the ledger.
                await ledger.UnreadableAsync(uid, reason, CancellationToken.None);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(body);
        }
    }

    private async Task AnswerAsync(HttpContext context, ReadOnlyMemory<byte> body, long began)
    {
        if (body.Length > AdmissionReview.MaxBytes)
        {
            metrics.Unreadable();
            await RefuseUnreadAsync(context, AdmissionReview.FindUid(body.Span), new Reason("admission", $"the review has more than {AdmissionReview.MaxBytes} bytes", "make the object smaller"));
            return;
        }

        switch (AdmissionReview.Read(body))
        {
            case ReviewReading.Request reading:
                using (reading)
                {
                    await DecideAsync(context, reading.Value, began);
                }

                break;
            case ReviewReading.Unreadable(var uid, var reason):
                metrics.Unreadable();
                LogUnreadable(uid, reason.Message);
                await RefuseUnreadAsync(context, uid, reason);
                break;
            case ReviewReading.WithoutUid(var reason):
                metrics.Unreadable();
                LogUnreadable("", reason.Message);
                await RefuseAsync(context, null, reason);
                break;
            default:
                throw new UnreachableException();
        }
    }

    private async Task DecideAsync(HttpContext context, AdmissionRequest request, long began)
    {
        var inForce = policy.Current;
        var @case = AdmissionGate.Open(request, inForce.Policy, options.ClusterUid, templates);
        using var deadline = new CancellationTokenSource(Left(context, began), clock);
        var outcome = await ledger.RecordAsync(@case, await judge.JudgeAsync(@case, inForce.Signers, deadline.Token), context.RequestAborted);
        var answer = new ArrayBufferWriter<byte>(512);
        AdmissionAnswer.Write(answer, @case, outcome);
        metrics.Decided(outcome, clock.GetElapsedTime(began));
        Log(@case, outcome);
        await WriteAsync(context, answer.WrittenMemory);
    }

    private async Task RefuseUnreadAsync(HttpContext context, string? uid, Reason reason)
    {
        if (uid is not null)
        {
            await ledger.UnreadableAsync(uid, reason, context.RequestAborted);
        }

        await RefuseAsync(context, uid, reason);
    }

    private static async Task RefuseAsync(HttpContext context, string? uid, Reason reason)
    {
        if (uid is null)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            context.Response.ContentType = "text/plain";
            await context.Response.WriteAsync(reason.ToString());
            return;
        }

        var answer = new ArrayBufferWriter<byte>(512);
        AdmissionAnswer.WriteRefusal(answer, uid, reason);
        await WriteAsync(context, answer.WrittenMemory);
    }

    private static async Task WriteAsync(HttpContext context, ReadOnlyMemory<byte> json)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.Length;
        await context.Response.Body.WriteAsync(json, context.RequestAborted);
    }

    // The API server rounds ?timeout= up to a second and cuts the connection then; a fifth is kept for the way back.
    private TimeSpan Left(HttpContext context, long began)
    {
        var asked = DefaultTimeout;
        foreach (var parameter in new QueryStringEnumerable(context.Request.QueryString.Value))
        {
            if (parameter.EncodedName.Span is "timeout" && parameter.EncodedValue.Span is [.. var number, 's'] && double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and <= 30)
            {
                asked = TimeSpan.FromSeconds(seconds);
            }
        }

        var left = (asked * 0.8) - clock.GetElapsedTime(began);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private void Log(AdmissionCase @case, AdmissionOutcome outcome)
    {
        var request = @case.Request;
        if (outcome.Decision.Verdict == Verdict.Allow)
        {
            LogAllowed(request.Uid, request.Operation, request.Kind, request.Namespace, request.Name);
        }
        else
        {
            LogDecided(request.Uid, request.Operation, request.Kind, request.Namespace, request.Name, outcome.Decision.Verdict, outcome.Admitted, request.DryRun, @case.Policy.Version, Listed(outcome.Decision.Reasons));
        }
    }

    private static string Listed(ImmutableArray<Reason> reasons) =>
        string.Join(" | ", reasons.Take(MostLogged)) + (reasons.Length > MostLogged ? $" | and {reasons.Length - MostLogged} more" : "");

    [LoggerMessage(1101, LogLevel.Information, "{CorrelationId}: {Operation} {Kind} {Namespace}/{Name} is {Verdict}, admitted {Admitted}, dry run {DryRun}, policy version {PolicyVersion}: {Reasons}")]
    private partial void LogDecided(string correlationId, string operation, string kind, string? nameSpace, string name, Verdict verdict, bool admitted, bool dryRun, long policyVersion, string reasons);

    [LoggerMessage(1102, LogLevel.Debug, "{CorrelationId}: {Operation} {Kind} {Namespace}/{Name} is allowed")]
    private partial void LogAllowed(string correlationId, string operation, string kind, string? nameSpace, string name);

    [LoggerMessage(1103, LogLevel.Warning, "{CorrelationId}: unreadable review: {Mistake}")]
    private partial void LogUnreadable(string correlationId, string mistake);

    [LoggerMessage(1105, LogLevel.Warning, "A review from {Address}, which showed no client certificate of the API server's authorities, was turned away")]
    private partial void LogStranger(string address);

    [LoggerMessage(1104, LogLevel.Error, "{CorrelationId}: the gate failed and refused")]
    private partial void LogFailed(Exception exception, string correlationId);
}
