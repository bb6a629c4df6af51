/// What can go wrong with an object store, with what to do about it.
///
/// Fit for logs and people: never holds a secret, an object's content, or text that a server sent beyond its error code.
package struct ObjectStoreError: Error, Sendable, Equatable, CustomStringConvertible {
  package enum Code: String, Sendable, CaseIterable {
    /// The store does not know who we are, or does not believe it.
    case unauthorized
    /// The store knows who we are and refuses.
    case forbidden
    /// No such bucket, container or folder.
    case noSuchContainer
    /// No such object.
    case notFound
    /// An object of that name with other content is there.
    case conflict
    /// No connection, or an answer that says *later*.
    case unavailable
    /// The store refuses requests because its clock and ours differ.
    case clockSkew
    /// What came back cannot be right: cut off, garbled, or not what was stored.
    case invalidAnswer
    /// The store cannot do what was asked of it.
    case notSupported
    /// The URL, the environment, a key or an argument is wrong.
    case invalidConfiguration
    /// No room: disk full, or a quota used up.
    case noSpace
    /// A local file or folder failed.
    case io
  }

  package let code: Code
  /// What happened and what to do.
  package let detail: String
  /// The store's own tries are used up, and yet trying again later can help.
  package let isRetriable: Bool

  package init(_ code: Code, _ detail: String, isRetriable: Bool = false) {
    self.code = code
    self.detail = detail
    self.isRetriable = isRetriable
  }

  package var description: String { "\(code.rawValue): \(detail)" }
}
