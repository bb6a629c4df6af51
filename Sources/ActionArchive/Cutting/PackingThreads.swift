import Dispatch
import Kafka
import Synchronization

/// The threads that pack: compression and hashes cost several times what reading a record and making its line does.
///
/// Each object belongs to one of them, so its blocks are packed in order, and the bytes do not depend on how many threads
/// there are. What waits to be packed is bounded: who has more waits.
final class PackingThreads: Sendable {
  /// Blocks that wait at each thread, at most.
  static let waitingBlocksMax = 16

  private let lanes: [Lane]
  private let nextLane = Atomic(0)
  private let blocks = Mutex<[PackingBlock]>([])

  /// - Parameter count: at least 1.
  init(count: Int) { lanes = (0..<max(1, count)).map { Lane(name: "pack \($0)") } }

  /// Ends the threads once what was handed over is packed. Nothing may be handed over after it.
  func end() async {
    for lane in lanes { lane.end() }
    for lane in lanes { await lane.ended() }
  }

  /// The thread of the next object.
  func lane() -> Int { nextLane.wrappingAdd(1, ordering: .relaxed).oldValue % lanes.count }

  /// An empty block.
  func block() -> PackingBlock {
    guard let block = blocks.withLock({ $0.popLast() }) else { return PackingBlock() }
    block.takeOver()
    return block
  }

  /// Hands a block over. Blocks the calling thread while too much waits there.
  func pack(_ block: PackingBlock, isLast: Bool, with packer: ObjectPacker, lane: Int) {
    lanes[lane].submit { [self] in
      packer.pack(block.content, isLast: isLast)
      block.letGo()
      blocks.withLock { blocks in
        if blocks.count < Self.waitingBlocksMax * lanes.count { blocks.append(block) }
      }
    }
  }

  private final class Lane: Sendable {
    private struct State {
      var jobs: [@Sendable () -> Void] = []
      var isEnding = false
    }

    private let state: Shared
    private let thread: DedicatedThread

    /// What both sides hold: the thread must not keep the lane alive.
    private final class Shared: Sendable {
      let state = Mutex(State())
      let filled = DispatchSemaphore(value: 0)
      let room = DispatchSemaphore(value: 0)
    }

    init(name: String) {
      let shared = Shared()
      // Not by its initial value: a semaphore that ends below that traps.
      for _ in 0..<PackingThreads.waitingBlocksMax { shared.room.signal() }
      state = shared
      thread = DedicatedThread(name: name) {
        while true {
          shared.filled.wait()
          let (jobs, isEnding) = shared.state.withLock { state in
            defer { state.jobs = [] }
            return (state.jobs, state.isEnding)
          }
          for job in jobs {
            job()
            shared.room.signal()
          }
          if isEnding { return }
        }
      }
    }

    func submit(_ job: @escaping @Sendable () -> Void) {
      state.room.wait()
      state.state.withLock { $0.jobs.append(job) }
      state.filled.signal()
    }

    func end() {
      state.state.withLock { $0.isEnding = true }
      state.filled.signal()
    }

    func ended() async { await thread.join() }
  }
}

/// Lines on their way to a packer. Used by one side at a time: whoever fills it hands it over whole.
final class PackingBlock: @unchecked Sendable {
  private let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: ArchiveCompression.blockBytes, alignment: 16)
  private var filled = 0
  /// The Mutex it comes back through would do, but ThreadSanitizer does not see all of what that does.
  private let handover = Atomic(0)

  /// Its content is packed: the next one to fill it may take it over.
  func letGo() {
    filled = 0
    handover.wrappingAdd(1, ordering: .releasing)
  }

  func takeOver() { _ = handover.load(ordering: .acquiring) }

  deinit { memory.deallocate() }

  var isFull: Bool { filled == memory.count }
  var content: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<filled]) }

  /// Takes as much as there is room for, and returns the rest.
  func fill(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let count = min(bytes.count, memory.count - filled)
    UnsafeMutableRawBufferPointer(rebasing: memory[filled...]).copyMemory(
      from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    filled += count
    return UnsafeRawBufferPointer(rebasing: bytes[count...])
  }
}
