import Crypto

/// What stores behind HTTP have in common: an object's facts are header fields of the answer to HEAD.
protocol RemoteObjectStore: ObjectStore {
  /// The header that keeps an object's SHA-256, in lower case.
  static var sha256Header: String { get }
  var retrier: Retrier { get }
  /// Of all keys in the bucket or container; empty, or without a slash at its end.
  var prefix: String { get }
  /// Nil when there is no such object.
  func head(_ key: String) async throws(AttemptFailure) -> StoreAnswer?
}

extension RemoteObjectStore {
  func facts(of key: String) async throws(ObjectStoreError) -> ObjectFacts? {
    try ObjectKey.check(key, prefix: prefix)
    return try await retrier.run(.facts) { _ throws(AttemptFailure) in
      guard let answer = try await head(key) else { return nil }
      let facts = facts(answer, key: key)
      guard facts.size >= 0 else {
        throw .passing(
          .invalidAnswer, "\(location) does not say how long '\(ObjectKey.shown(key))' is", reason: "length")
      }
      return facts
    }
  }

  /// Size -1 when it is not stated.
  func facts(_ answer: StoreAnswer, key: String) -> ObjectFacts {
    ObjectFacts(
      key: key, size: answer.header("content-length").flatMap { Int64($0) } ?? -1,
      sha256: answer.header(Self.sha256Header).flatMap { Hex.sha256($0) })
  }

  /// An object of that name is there: is it the same?
  func compare(_ object: NewObject) async throws(ObjectStoreError) -> PutOutcome {
    let found = try await retrier.run(.facts) { _ throws(AttemptFailure) in
      guard let answer = try await head(object.key) else {
        throw .passing(
          .invalidAnswer, "\(location) says that '\(ObjectKey.shown(object.key))' exists, and does not have it",
          reason: "lost")
      }
      return answer
    }
    let facts = facts(found, key: object.key)
    guard facts.size == object.size else { throw object.conflict(at: location) }
    // Put by another program, it may lack the hash.
    let sha256 = if let known = facts.sha256 { known } else { try await readSHA256(object.key) }
    guard sha256 == object.sha256 else { throw object.conflict(at: location) }
    return .alreadyThere
  }

  /// Asks the store for what it has just acknowledged: one that accepts and loses is found out here.
  func headOfStored(_ object: NewObject) async throws(ObjectStoreError) -> StoreAnswer {
    try await retrier.run(.facts) { _ throws(AttemptFailure) in
      guard let answer = try await head(object.key) else {
        throw .passing(
          .invalidAnswer,
          "\(location) said that it stored '\(ObjectKey.shown(object.key))', and does not have it: look at the store's "
            + "logs and disks; putting it again is safe", reason: "lost")
      }
      return answer
    }
  }

  func readSHA256(_ key: String) async throws(ObjectStoreError) -> [UInt8] {
    var hash = SHA256()
    do {
      _ = try await read(key, from: 0) { hash.update(bufferPointer: $0) }
    } catch let error as ObjectStoreError {
      throw error
    } catch {
      throw ObjectStoreError(.unavailable, "reading back was broken off", isRetriable: true)
    }
    return Array(hash.finalize())
  }
}
