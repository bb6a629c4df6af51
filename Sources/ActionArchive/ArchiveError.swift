/// What can go wrong in the archive that is neither Kafka's nor the object store's doing.
///
/// Fit for logs and people: names keys, offsets and limits, never what an action holds.
package struct ArchiveError: Error, Sendable, Equatable, CustomStringConvertible {
  package enum Code: String, Sendable, CaseIterable {
    /// A local file or folder failed.
    case io
    /// The compression library refused.
    case compression
    /// Bytes that are not what they should be: garbled, cut off, or beyond a bound.
    case garbled
    /// The archive holds something else under a name that is needed: nothing was skipped, and the partition stopped.
    case conflict
    /// The topic is not the one that was archived.
    case wrongTopic
    /// A setting or key that cannot be used.
    case invalidConfiguration
    /// No such action, object or archive.
    case notFound
  }

  package let code: Code
  /// What happened and what to do.
  package let detail: String

  package init(_ code: Code, _ detail: String) {
    self.code = code
    self.detail = detail
  }

  package var description: String { "\(code.rawValue): \(detail)" }
}
