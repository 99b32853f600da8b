using Governance.Gates.Ledgers;

namespace Governance.Gates.Tests.Ledgers;

/// <summary>The document that the recovery of a ledger is approved by.</summary>
public sealed class RecoveryDocumentTests
{
    [Fact]
    public void A_document_has_one_spelling_and_everything_else_is_none()
    {
        var key = NoteKey.TryParse("ledger.example/audit+5838a642+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs")!;
        var document = RecoveryDocument.Of(key, TestLog.Checkpoint(40, TreeHash.OfLeaf("old"u8)), new(25, TreeHash.OfLeaf("new"u8)), 40, "entry 25 is missing", null);
        Assert.Equal(document.Digest, RecoveryDocument.TryParse(document.Json)!.Digest);
        Assert.Equal((25L, 39L, "5838a642"), (document.Whole.Size, document.LastLost, document.Key));
        var text = System.Text.Encoding.UTF8.GetString(document.Json.Span);
        foreach (var (from, to) in ((string, string)[])[("{", "{ "), ("\"first\":25", "\"first\":24"), ("\"first\":25,", ""), ("\"size\":40", "\"size\":-1"), ("\"size\":40", "\"size\":4e1"), ("v1\"", "v2\""), ("\"damage\":\"", "\"damage\":\"\\ud800"), ("\"damage\":\"", "\"damage\":\"\\n"), ("\"key\":", "\"key\":\"00000000\",\"key\":"), ("\"whole\"", "\"more\":1,\"whole\"")])
        {
            var changed = text.Replace(from, to, StringComparison.Ordinal);
            Assert.NotEqual(text, changed);
            Assert.Null(RecoveryDocument.TryParse(System.Text.Encoding.UTF8.GetBytes(changed)));
        }

        var named = RecoveryDocument.Of(key, TestLog.Checkpoint(40, TreeHash.OfLeaf("old"u8)), new(25, TreeHash.OfLeaf("new"u8)), 40, "entry 25 is missing", TestEntries.Filled('a'));
        Assert.Equal(TestEntries.Filled('a'), RecoveryDocument.TryParse(named.Json)!.Policy);
        Assert.Null(RecoveryDocument.TryParse(System.Text.Encoding.UTF8.GetBytes(System.Text.Encoding.UTF8.GetString(named.Json.Span).Replace("sha256:a", "sha256:A", StringComparison.Ordinal))));
        Assert.Throws<GateException>(() => RecoveryDocument.Of(key, TestLog.Checkpoint(1L << 60, TreeHash.OfLeaf("old"u8)), new(25, TreeHash.OfLeaf("new"u8)), 1L << 60, "entry 25 is missing", null));
        Assert.Null(RecoveryDocument.TryParse(new byte[RecoveryDocument.MaxBytes + 1]));
        Assert.Null(RecoveryDocument.TryParse("[]"u8.ToArray()));
        Assert.Null(RecoveryDocument.TryParse("null"u8.ToArray()));
    }
}
