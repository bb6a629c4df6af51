/// Unaligned little-endian access, the byte order of every file of the store.
extension UnsafeRawBufferPointer {
  @inline(__always)
  func integer<T: FixedWidthInteger>(at offset: Int, as type: T.Type = T.self) -> T {
    T(littleEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
  }
}

extension UnsafeMutableRawBufferPointer {
  @inline(__always)
  func store<T: FixedWidthInteger>(_ value: T, at offset: Int) {
    storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
  }
}

/// A growing byte buffer that keeps its memory when emptied: the records of a batch are written into it once.
final class GrowingBuffer {
  private(set) var count = 0
  private var storage: UnsafeMutableRawBufferPointer

  init(capacity: Int) { storage = .allocate(byteCount: capacity, alignment: 16) }

  deinit { storage.deallocate() }

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[..<count]) }

  /// Makes room for `size` more bytes and returns it, to be filled at once.
  @inline(__always)
  func extend(by size: Int) -> UnsafeMutableRawBufferPointer {
    if count &+ size > storage.count { grow(to: count + size) }
    let room = UnsafeMutableRawBufferPointer(rebasing: storage[count..<(count &+ size)])
    count &+= size
    return room
  }

  /// Empties the buffer. Memory beyond `keeping` bytes is given back, so that one huge batch is not held for ever.
  func reset(keeping: Int = 8 << 20) {
    count = 0
    if storage.count > keeping {
      storage.deallocate()
      storage = .allocate(byteCount: keeping, alignment: 16)
    }
  }

  private func grow(to needed: Int) {
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(needed, storage.count * 2), alignment: 16)
    larger.copyMemory(from: bytes)
    storage.deallocate()
    storage = larger
  }
}
