/// Why an action, a record or a name breaks the record contract.
///
/// `detail` says what to do about it. It never holds payload: only names of members, limits and byte offsets.
public struct AuditActionError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong. The raw value is the `reason` label of rejected records, in metrics and dead-letter headers.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// A record with a null value.
    case tombstone
    /// A body of more than ``ActionLimits/bodyBytesMax`` bytes.
    case tooLarge = "too_large"
    /// Bytes that are no JSON text (RFC 8259).
    case invalidJSON = "invalid_json"
    /// JSON, but no object at the top.
    case notAnObject = "not_an_object"
    /// An object without `event`.
    case missingEvent = "missing_event"
    /// An `event` that is no string, empty, too long, holds control characters, or appears twice.
    case invalidEvent = "invalid_event"
    /// Objects and arrays nested deeper than ``ActionLimits/depthMax``.
    case tooDeep = "too_deep"
    /// A string that is not valid UTF-8.
    case invalidUTF8 = "invalid_utf8"
    /// A record key that is not `project/queue`.
    case invalidKey = "invalid_key"
    /// A record without a key.
    case missingKey = "missing_key"
    /// A time to live that is no whole number of seconds within the limits.
    case invalidTimeToLive = "invalid_ttl"
    /// A project name outside the allowed characters or length.
    case invalidProject = "invalid_project"
    /// A queue name outside the allowed characters or length.
    case invalidQueue = "invalid_queue"
    /// A text that is no RFC 3339 time, or one that 64-bit nanoseconds cannot hold.
    case invalidTime = "invalid_time"
    /// A hierarchical topic path outside the allowed form.
    case invalidTopicPath = "invalid_topic_path"
    /// A record whose source cannot be counted: see ``ActionOrigin``.
    case invalidSource = "invalid_source"
    /// A log id outside the allowed characters or length.
    case invalidLog = "invalid_log"
    /// A sequence number that is none.
    case invalidSequence = "invalid_sequence"
    /// A sequence number that another record has already, with other content.
    case sequenceConflict = "sequence_conflict"
    /// A checksum that the record does not have: it was changed on its way.
    case checksumMismatch = "checksum_mismatch"
    /// A signature that is not that of the record by its source.
    case signatureInvalid = "signature_invalid"
    /// No signature where the source has to sign: who sent the record is not known.
    case sourceNotAuthenticated = "source_not_authenticated"
    /// A text that is no set of sequence numbers as Apache ACE writes them.
    case invalidRanges = "invalid_ranges"
    /// An event type that is not in the catalogue where only those are taken: see ``EventCatalogue``.
    case unknownEventType = "unknown_event_type"
    /// A user's own event type, or the schema of its details, that cannot be had: see ``EventDefinition``.
    case invalidEventType = "invalid_event_type"
    /// A channel that cannot be had: see ``Channel``.
    case invalidChannel = "invalid_channel"
    /// Details that are not what the catalogue says of their event type: see ``DetailsSchema``.
    case invalidDetails = "invalid_details"
    /// A queue's metadata whose member `audit` says something that cannot be.
    case invalidMetadata = "invalid_metadata"
    /// A JSON patch that does not fit the document it is to change.
    case patchConflict = "patch_conflict"
  }

  public let code: Code
  /// What is wrong and what to do, in one sentence; never payload.
  public let detail: String
  /// The parameter, member or header at fault, where there is one: `project`, `queue`, `ttl`, `event`, `key`, …
  public let parameter: String?

  public init(_ code: Code, _ detail: String, parameter: String? = nil) {
    self.code = code
    self.detail = detail
    self.parameter = parameter
  }

  public var description: String { "\(code.rawValue): \(detail)" }

  /// A record with a null value: the topic must not be compacted, and an action cannot be taken back.
  public static let tombstone = AuditActionError(
    .tombstone, "the record has no value; an action cannot be deleted from the topic, so send its JSON body")

  /// A record without a key.
  public static let missingKey = AuditActionError(
    .missingKey, "the record has no key; set it to project/queue", parameter: "key")
}
