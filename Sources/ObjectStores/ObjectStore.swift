/// A place that keeps objects: whole, immutable, named by a key below the store's prefix.
///
/// Three kinds exist, with one behaviour, held to it by one conformance suite: folders (`file:`), S3 (`s3:`) and
/// OpenStack Swift (`swift:`). Memory use does not follow the size of objects: content is streamed in both directions.
package protocol ObjectStore: Sendable {
  /// Where it is, for people and logs, say `s3://bucket/prefix`; never a secret.
  var location: String { get }

  /// Stores the content under the key; durable, and asked after once more, when this returns.
  ///
  /// An object of that name is never replaced: the same bytes again are ``PutOutcome/alreadyThere``, other bytes throw
  /// ``ObjectStoreError/Code/conflict``. Failures that pass are tried again within; what is thrown has
  /// ``ObjectStoreError/isRetriable`` for those that did not pass in time. A repeated call is always safe.
  func put(_ object: NewObject) async throws(ObjectStoreError) -> PutOutcome

  /// Streams the object, or what follows `offset`, in chunks to `consume`, and returns its facts.
  ///
  /// A connection that breaks is resumed where it broke. A pointer is valid until its call of `consume` returns.
  /// - Parameter offset: In bytes, from 0; at the object's end, `consume` is not called; beyond it is an error.
  /// - Throws: ``ObjectStoreError`` (`notFound` when there is no such object), or what `consume` throws.
  func read(
    _ key: String, from offset: Int64, _ consume: (UnsafeRawBufferPointer) async throws -> Void
  ) async throws -> ObjectFacts

  /// Size and, when the store keeps it, the SHA-256 the object was put with; nil when there is no such object.
  func facts(of key: String) async throws(ObjectStoreError) -> ObjectFacts?

  /// One page of the objects whose keys begin with `prefix`, ascending bytewise by key, those after `after` only.
  ///
  /// - Parameters:
  ///   - prefix: A beginning of keys, not of folders: `date=2026` is fine, and so is the empty text.
  ///   - after: The last page's ``ObjectListing/next``; nil for the first page. It need not be an existing key.
  func list(prefix: String, after: String?) async throws(ObjectStoreError) -> ObjectListing

  /// Has the store list an object that it keeps, should its list lack it; a put that finds the object there does so by
  /// itself. A list that goes on lacking it is no error, nor is an object that is not there.
  func ensureListed(_ key: String) async throws(ObjectStoreError)

  /// Checks, before the first object, that the place exists and may be read and written. Leaves nothing behind.
  func prepare() async throws(ObjectStoreError)

  /// Ends connections. Calls after it throw. Never hangs.
  func close() async
}

extension ObjectStore {
  /// Most stores list what they keep.
  package func ensureListed(_ key: String) async throws(ObjectStoreError) {}
}

/// An object to be stored.
package struct NewObject: Sendable {
  /// Relative to the store's prefix, `/` between its parts; see ``ObjectKey`` for what is allowed.
  package var key: String
  package var content: Content
  /// Of the content, 32 bytes. The store refuses content that does not have it, and keeps it as metadata where it can.
  package var sha256: [UInt8]
  /// Say `application/x-ndjson` or `application/json`.
  package var contentType: String
  /// Best left nil, even for an object named `.gz`: with it, many clients unpack on their own, and readers no longer
  /// get the bytes that were hashed.
  package var contentEncoding: String?

  package enum Content: Sendable {
    case bytes([UInt8])
    /// A file that stays as it is until the call has returned.
    case file(path: String, size: Int64)
  }

  package init(
    key: String, content: Content, sha256: [UInt8], contentType: String, contentEncoding: String? = nil
  ) {
    self.key = key
    self.content = content
    self.sha256 = sha256
    self.contentType = contentType
    self.contentEncoding = contentEncoding
  }

  /// In bytes.
  package var size: Int64 {
    switch content {
    case .bytes(let bytes): Int64(bytes.count)
    case .file(_, let size): size
    }
  }
}

package enum PutOutcome: Sendable, Equatable {
  case stored
  /// An object of that name with the same bytes was there before (perhaps from a try whose answer was lost).
  case alreadyThere
}

package struct ObjectFacts: Sendable, Equatable {
  package var key: String
  /// In bytes.
  package var size: Int64
  /// As it was put with, when the store keeps it: a statement of the writer, not a proof. Nil from `file:` and in lists.
  package var sha256: [UInt8]?

  package init(key: String, size: Int64, sha256: [UInt8]? = nil) {
    self.key = key
    self.size = size
    self.sha256 = sha256
  }
}

/// A page of a list.
package struct ObjectListing: Sendable, Equatable {
  /// Up to 1,000; a page may be empty though another follows.
  package var objects: [ObjectFacts]
  /// What to give as `after` for the next page; nil on the last.
  package var next: String?

  package init(objects: [ObjectFacts], next: String?) {
    self.objects = objects
    self.next = next
  }
}
