#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What can go wrong in the store, with what to do about it.
///
/// `description` may reach a log: it never holds an action's content, a queue's name or a key.
package struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
  package enum Code: String, Sendable {
    /// The marker or id given is damaged, of another feed or of another queue. A client's fault: 400.
    case invalidMarker, invalidID
    /// The data directory cannot be created, read or written.
    case directoryUnusable
    /// Another process holds the data directory.
    case inUse
    /// The data directory was written by a newer version of Strandline.
    case newerVersion
    /// The data directory belongs to another topic.
    case otherTopic
    /// The configured budget is used up; expiry frees space.
    case budgetExhausted
    /// The disk is full; expiry, or an operator, frees space.
    case diskFull
    /// A system call failed; see `systemError`.
    case inputOutput
    /// A file does not have the form it must have.
    case damaged
    /// The store was closed before the call.
    case closed
  }

  package let code: Code
  package let detail: String
  /// `errno`, where a system call failed.
  package let systemError: Int32?

  package init(_ code: Code, _ detail: String, systemError: Int32? = nil) {
    self.code = code
    self.detail = detail
    self.systemError = systemError
  }

  /// True for the states that pass by themselves when segments expire: ingest waits and tries again.
  package var isFull: Bool { code == .budgetExhausted || code == .diskFull }

  package var description: String {
    guard let systemError else { return "\(code.rawValue): \(detail)" }
    return "\(code.rawValue): \(detail) (errno \(systemError): \(systemErrorText(systemError)))"
  }
}

extension StoreError {
  var isMissingFile: Bool { systemError == ENOENT }
}
