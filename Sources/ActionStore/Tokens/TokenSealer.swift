package import AuditActions
import Crypto
import Foundation

/// Seals markers and ids into URL-safe text that nobody without the key can read, make or change, and opens them.
///
/// **Marker**, base64url without padding of: version (1 byte, 2) · tag (16) · sealed content. The content is the store
/// identity (16) and per partition: partition (4), offset (8), ordinal (8), little-endian. Content and tag are
/// AES-256-SIV's (RFC 5297, ``SyntheticIV``) with the queue's key as header: the same position always has the same
/// text, and no nonce can repeat.
///
/// **Id**, base64url of one AES-256 block: offset (8), partition (4), a check of the queue (4). 22 characters. A forged
/// one opens with a chance of 2⁻³², and then still has to name an action of that queue.
///
/// All keys are derived from one (HKDF-SHA-256), so neither text tells anything of the other.
package final class TokenSealer: Sendable {
  package static let keyBytes = 32
  static let version: UInt8 = 2
  static let entryBytes = 20
  static let identityBytes = 16
  /// Version and tag.
  private static let headBytes = 1 + SyntheticIV.tagBytes
  /// More than any text we make: a longer one is refused unread. A marker with 400 partitions fits.
  package static let textBytesMax = 11_000
  /// Characters of every id.
  package static let idBytes = 22

  private let markers: SyntheticIV
  private let identifiers: BlockCipher

  /// - Parameter key: 32 bytes, the same on every node of a feed.
  package init(key: [UInt8]) {
    let root = SymmetricKey(data: key)
    func derive(_ purpose: String) -> BlockCipher {
      BlockCipher(
        key: HKDF<SHA256>.deriveKey(
          inputKeyMaterial: root, info: Data("strandline \(purpose) v1".utf8), outputByteCount: 32))
    }
    markers = SyntheticIV(
      authentication: derive("marker authentication"), encryption: derive("marker encryption"))
    identifiers = derive("action id")
  }

  // MARK: Markers

  package func seal(_ marker: Marker, queue: QueueAddress) -> String { seal(marker, queue: QueueReference(queue)) }

  package func seal(_ marker: Marker, queue: QueueReference) -> String {
    let count = Self.textBytes(of: marker)
    return String(unsafeUninitializedCapacity: count) { text in
      write(marker, queue: queue, to: UnsafeMutableRawBufferPointer(text))
      return count
    }
  }

  /// Characters of a marker's text.
  package static func textBytes(of marker: Marker) -> Int { Base64URL.textBytes(of: bytes(of: marker)) }

  private static func bytes(of marker: Marker) -> Int {
    headBytes + identityBytes + marker.entries.count * entryBytes
  }

  /// Writes a marker's text, which has to fit.
  package func write(_ marker: Marker, queue: QueueReference, to text: UnsafeMutableRawBufferPointer) {
    withUnsafeTemporaryAllocation(byteCount: Self.bytes(of: marker), alignment: 16) { bytes in
      let content = UnsafeMutableRawBufferPointer(rebasing: bytes[Self.headBytes...])
      content.store(marker.identity.high, at: 0)
      content.store(marker.identity.low, at: 8)
      var position = Self.identityBytes
      for entry in marker.entries {
        content.store(entry.partition, at: position)
        content.store(entry.offset, at: position + 4)
        content.store(entry.ordinal, at: position + 12)
        position += Self.entryBytes
      }
      bytes[0] = Self.version
      queue.key.bytes.withUnsafeBytes {
        markers.seal(content, header: $0, tag: UnsafeMutableRawBufferPointer(rebasing: bytes[1..<Self.headBytes]))
      }
      Base64URL.encode(UnsafeRawBufferPointer(bytes), to: text)
    }
  }

  /// - Throws: `invalidMarker` for every text this feed did not make for this queue.
  package func openMarker(_ text: String, queue: QueueAddress) throws(StoreError) -> Marker {
    var text = text
    let marker = text.withUTF8 { openMarker(UnsafeRawBufferPointer($0), queue: QueueReference(queue)) }
    guard let marker else {
      throw StoreError(
        .invalidMarker, "the marker is damaged or was made for another queue; take it from the `next` link as it is")
    }
    return marker
  }

  /// Nil for every text this feed did not make for this queue.
  package func openMarker(_ text: UnsafeRawBufferPointer, queue: QueueReference) -> Marker? {
    guard text.count <= Self.textBytesMax else { return nil }
    return withUnsafeTemporaryAllocation(byteCount: Base64URL.bytes(ofText: text.count), alignment: 16) { bytes in
      let contentBytes = bytes.count - Self.headBytes - Self.identityBytes
      guard contentBytes >= 0, contentBytes % Self.entryBytes == 0, Base64URL.decode(text, to: bytes),
        bytes[0] == Self.version
      else { return nil }
      let content = UnsafeMutableRawBufferPointer(rebasing: bytes[Self.headBytes...])
      let tag = UnsafeRawBufferPointer(rebasing: bytes[1..<Self.headBytes])
      guard queue.key.bytes.withUnsafeBytes({ markers.open(content, header: $0, tag: tag) }) else { return nil }
      return Self.marker(UnsafeRawBufferPointer(content))
    }
  }

  private static func marker(_ content: UnsafeRawBufferPointer) -> Marker {
    let identity = StoreIdentity(high: content.integer(at: 0), low: content.integer(at: 8))
    let entries = stride(from: identityBytes, to: content.count, by: entryBytes).map { at in
      Marker.Entry(
        partition: content.integer(at: at), offset: content.integer(at: at + 4), ordinal: content.integer(at: at + 12))
    }
    return Marker(entries: entries, identity: identity)
  }

  // MARK: Ids

  package func seal(id position: ActionPosition, queue: QueueAddress) -> String {
    let check = Self.check(of: QueueKey(queue.key))
    return withUnsafeTemporaryAllocation(byteCount: BlockCipher.blockBytes, alignment: 16) { block in
      Self.store(position, check: check, to: block, at: 0)
      identifiers.encrypt(block)
      return String(unsafeUninitializedCapacity: Self.idBytes) { text in
        Base64URL.encode(UnsafeRawBufferPointer(block), to: UnsafeMutableRawBufferPointer(text))
        return Self.idBytes
      }
    }
  }

  /// Writes the ids of actions, ``idBytes`` each, one behind the other; they have to fit. All in one go, because a
  /// block cipher is faster with several blocks at a time.
  package func write(
    idsOf actions: UnsafeBufferPointer<ActionEntry>, queue: QueueReference, to text: UnsafeMutableRawBufferPointer
  ) {
    guard let first = actions.baseAddress else { return }
    let blockBytes = BlockCipher.blockBytes
    withUnsafeTemporaryAllocation(byteCount: actions.count * blockBytes, alignment: 16) { blocks in
      for index in 0..<actions.count {
        let position = ActionPosition(partition: first[index].partition, offset: first[index].offset)
        Self.store(position, check: queue.check, to: blocks, at: index * blockBytes)
      }
      identifiers.encrypt(blocks)
      for index in 0..<actions.count {
        Base64URL.encode(
          UnsafeRawBufferPointer(rebasing: blocks[(index * blockBytes)..<((index + 1) * blockBytes)]),
          to: UnsafeMutableRawBufferPointer(rebasing: text[(index * Self.idBytes)...]))
      }
    }
  }

  @inline(__always)
  private static func store(
    _ position: ActionPosition, check: UInt32, to blocks: UnsafeMutableRawBufferPointer, at start: Int
  ) {
    blocks.store(position.offset, at: start)
    blocks.store(position.partition, at: start + 8)
    blocks.store(check, at: start + 12)
  }

  static func check(of key: QueueKey) -> UInt32 { UInt32(truncatingIfNeeded: key.hash ^ (key.hash >> 32)) }

  /// - Throws: `invalidID` for every text this feed did not make for this queue.
  package func openID(_ text: String, queue: QueueAddress) throws(StoreError) -> ActionPosition {
    let refusal = StoreError(
      .invalidID, "the id is damaged or of another queue; take it from an action's `href` as it is")
    var text = text
    let sealed = text.withUTF8 { text -> [UInt8]? in
      guard text.count == Self.idBytes else { return nil }
      var block = [UInt8](repeating: 0, count: BlockCipher.blockBytes)
      let isText = block.withUnsafeMutableBytes { Base64URL.decode(UnsafeRawBufferPointer(text), to: $0) }
      return isText ? block : nil
    }
    guard let sealed, let block = identifiers.decrypt(sealed) else { throw refusal }
    let (offset, partition, check): (Int64, Int32, UInt32) = block.withUnsafeBytes {
      ($0.integer(at: 0), $0.integer(at: 8), $0.integer(at: 12))
    }
    guard offset >= 0, partition >= 0, check == Self.check(of: QueueKey(queue.key)) else { throw refusal }
    return ActionPosition(partition: partition, offset: offset)
  }
}
