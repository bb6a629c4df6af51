import Crypto
import ObjectStores
import Synchronization

/// An object store in memory that keeps the contract, and fails when told to.
final class MemoryStore: ObjectStore {
  struct State {
    var objects: [String: [UInt8]] = [:]
    var puts: [String] = []
    /// Asked before a put: an error makes it fail, before or after the object is there.
    var fault: (@Sendable (_ key: String) -> Fault?)?
    /// Objects that are there and not in lists yet.
    var unlisted: Set<String> = []
    /// Whether an object is listed once that is asked for; else lists go on lagging.
    var isListedWhenAsked = false
    /// Preparing takes until it is cancelled.
    var isSilent = false
  }

  enum Fault: Sendable {
    case before(ObjectStoreError)
    /// The object is stored, and the answer lost.
    case after(ObjectStoreError)
  }

  /// Of lists: small, so that paging is always at work.
  static let pageMax = 7

  /// Tells it from every other one, also from those that are gone.
  let id = serial.withLock { number in
    number += 1
    return number
  }
  private static let serial = Mutex(0)

  let state = Mutex(State())
  let location = "memory:"

  var objects: [String: [UInt8]] { state.withLock { $0.objects } }
  var keys: [String] { objects.keys.sorted() }

  func set(_ key: String, _ bytes: [UInt8]?) { state.withLock { $0.objects[key] = bytes } }
  func fail(_ fault: (@Sendable (String) -> Fault?)?) { state.withLock { $0.fault = fault } }

  func put(_ object: NewObject) async throws(ObjectStoreError) -> PutOutcome {
    let bytes: [UInt8]
    switch object.content {
    case .bytes(let content): bytes = content
    case .file(let path, let size):
      bytes = readFile(path) ?? []
      guard bytes.count == size else { throw ObjectStoreError(.io, "the file has another size") }
    }
    guard Array(SHA256.hash(data: bytes)) == object.sha256 else {
      throw ObjectStoreError(.invalidAnswer, "the content does not have its SHA-256")
    }
    let fault = state.withLock { state in
      state.puts.append(object.key)
      return state.fault?(object.key)
    }
    if case .before(let error) = fault { throw error }
    let there = state.withLock { state in
      let there = state.objects[object.key]
      if there == nil { state.objects[object.key] = bytes }
      return there
    }
    if case .after(let error) = fault { throw error }
    guard let there else { return .stored }
    guard there == bytes else { throw ObjectStoreError(.conflict, "\(object.key) is there with other bytes") }
    return .alreadyThere
  }

  func read(
    _ key: String, from offset: Int64, _ consume: (UnsafeRawBufferPointer) async throws -> Void
  ) async throws -> ObjectFacts {
    guard let bytes = objects[key] else { throw ObjectStoreError(.notFound, "there is no \(key)") }
    for start in stride(from: Int(offset), to: bytes.count, by: 1_000) {
      let chunk = Array(bytes[start..<min(start + 1_000, bytes.count)])
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: chunk.count, alignment: 1)
      defer { copy.deallocate() }
      copy.copyBytes(from: chunk)
      try await consume(UnsafeRawBufferPointer(copy))
    }
    return ObjectFacts(key: key, size: Int64(bytes.count))
  }

  func facts(of key: String) async throws(ObjectStoreError) -> ObjectFacts? {
    objects[key].map { ObjectFacts(key: key, size: Int64($0.count)) }
  }

  func list(prefix: String, after: String?) async throws(ObjectStoreError) -> ObjectListing {
    let all = state.withLock { state in state.objects.filter { !state.unlisted.contains($0.key) } }
    let keys = all.keys.filter { $0.hasPrefix(prefix) && $0 > after ?? "" }.sorted {
      Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8))
    }
    let page = keys.prefix(Self.pageMax)
    return ObjectListing(
      objects: page.map { ObjectFacts(key: $0, size: Int64(all[$0]?.count ?? 0)) },
      next: keys.count > page.count ? page.last : nil)
  }

  func ensureListed(_ key: String) async throws(ObjectStoreError) {
    state.withLock { if $0.isListedWhenAsked { $0.unlisted.remove(key) } }
  }

  func prepare() async throws(ObjectStoreError) {
    guard state.withLock({ $0.isSilent }) else { return }
    try? await Task.sleep(for: .seconds(3_600))
    throw ObjectStoreError(.unavailable, "cancelled", isRetriable: true)
  }
  func close() async {}
}
