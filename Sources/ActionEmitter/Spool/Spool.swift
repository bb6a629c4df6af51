import ActionProof
import Logging
import Synchronization

/// The log an emitter keeps of its own actions: numbered and stored here first, published from here.
///
/// Its files are mapped, and made before they are needed: to accept an action is to copy it into memory that belongs
/// to the file. So those who emit make no system call and wait for no disk, and what was accepted outlives the process
/// however it ends. Everything that may block is in ``maintain()``, which the publisher's thread calls.
final class Spool: Sendable {
  typealias Delivery = @Sendable (Acknowledgements.Outcome) -> Void
  /// Told once that the disk has an action, or that it could not be told to keep it.
  typealias Sync = @Sendable (Result<SpooledPosition, EmitError>) -> Void

  /// A file with actions, or one made ahead.
  struct File: Sendable {
    var header: SpoolFormat.Header
    var mapping: SpoolMapping
    /// Behind the last record.
    var end = SpoolFormat.headerBytes
    /// Behind the last action.
    var actionsEnd = SpoolFormat.headerBytes
    var isUnsynced = false
  }

  struct State {
    /// Ascending; the last is written to.
    var files: [File]
    /// Made ahead, ascending.
    var spare: [File] = []
    /// The next number of each project.
    var numbers = SpoolNumbers()
    var progress: SpoolProgress
    var acknowledged: SpoolPlace
    var pending: Int
    /// Who waits for what became of an action accepted by this process.
    var deliveries: [SpoolPlace: Delivery] = [:]
    /// Who waits for the disk to have what this process accepted.
    var syncs: [(position: SpooledPosition, told: Sync)] = []
    var departing: [UInt64] = []
    var isClosed = false
    var isPublisherAsleep = false
  }

  let configuration: SpoolConfiguration
  let folder: SpoolFolder
  let logID: Int64
  let source: String
  let beganBecause: SpoolBeginning?
  /// What is kept with each action it accepts, made once it is numbered.
  private let seal: RecordSeal?
  private let lock: Mutex<SpoolDescriptor?>
  let state: Mutex<State>
  let waiters = RoomWaiters()
  let metrics: SpoolMetrics
  let logger: Logger
  /// Called when the publisher sleeps and there is something to do.
  let wake: @Sendable () -> Void

  init(
    opened: SpoolOpening, configuration: SpoolConfiguration, seal: RecordSeal? = nil, metrics: SpoolMetrics,
    logger: Logger, wake: @escaping @Sendable () -> Void
  ) {
    self.configuration = configuration
    self.seal = seal
    folder = opened.folder
    logID = opened.logID
    source = opened.source
    beganBecause = opened.beganBecause
    lock = Mutex(opened.lock)
    state = Mutex(opened.state)
    self.metrics = metrics
    self.logger = logger
    self.wake = wake
  }

  var status: SpoolStatus {
    state.withLock { state in
      SpoolStatus(
        logID: logID, pending: state.pending, filesInUse: state.files.count, beganBecause: beganBecause)
    }
  }

  // MARK: Accepting

  /// Numbers an action and keeps it. When this returns, the action outlives the process; when `onSync` is told so, the
  /// system as well.
  /// - Throws: `closed`; `spool_full`; `too_large` for one that no file has room for; `spool` for a project that is
  ///   one too many.
  func append(_ record: EmitRecord, onDelivery: Delivery?, onSync: Sync? = nil) throws(EmitError) {
    let payload = SpoolRecord.payloadBytes(of: record) + (seal.map(SpoolRecord.payloadBytes(of:)) ?? 0)
    let (refusal, wakes): (EmitError?, Bool) = state.withLock { state in
      do throws(EmitError) {
        guard !state.isClosed else { throw .closed }
        try makeRoom(for: payload, &state)
        let sequence = try state.numbers.take(projectOf: record.key)
        let record = if let seal { try record.sealed(by: seal, at: (logID, sequence)) } else { record }
        let place = state.write(payload: payload) { SpoolRecord.write(record, sequence: sequence, to: $0) }
        state.files[state.files.count - 1].actionsEnd = state.files[state.files.count - 1].end
        state.pending += 1
        if let onDelivery { state.deliveries[place] = onDelivery }
        if let onSync { state.syncs.append((SpooledPosition(logID: logID, sequence: sequence), onSync)) }
        defer { state.isPublisherAsleep = false }
        return (nil, state.isPublisherAsleep)
      } catch {
        return (error, false)
      }
    }
    if let refusal { throw refusal }
    if wakes { wake() }
  }

  private func makeRoom(for payload: Int, _ state: inout State) throws(EmitError) {
    let needed = SpoolFormat.recordBytes(payload: payload) + SpoolRecord.endBytes
    guard let current = state.files.last else { throw .spoolFull }
    if current.end + needed <= current.header.fileBytes { return }
    let numbersBytes = SpoolFormat.recordBytes(payload: state.numbers.payloadBytes)
    guard SpoolFormat.headerBytes + numbersBytes + needed <= configuration.fileBytes else {
      throw EmitError(
        .tooLarge, "a spool file of \(configuration.fileBytes) bytes has no room for the action",
        hint: "set a larger spool.fileBytes")
    }
    guard !state.spare.isEmpty else { throw .spoolFull }
    state.write(payload: SpoolRecord.endPayloadBytes) { $0.put(UInt8(3), at: 0) }
    state.begin(state.spare.removeFirst())
  }

  /// Waits until there may be room, the spool is closed, or the task is cancelled.
  nonisolated(nonsending) func room() async {
    await waiters.wait { state.withLock { !$0.isClosed && $0.spare.isEmpty } }
  }

  /// Refuses from now on.
  func refuse() {
    state.withLock { $0.isClosed = true }
    waiters.wake()
  }

  /// Gives the folder free; nothing is accepted or published any more.
  func letGo() {
    refuse()
    for sync in takeSyncs() { sync.told(.failure(.notSynced)) }
    lock.withLock { $0 = nil }
  }

  // MARK: Publishing

  /// An action to be published, and where it ends. Its bytes are written by nobody any more.
  struct Item: @unchecked Sendable {
    var place: SpoolPlace
    var end: SpoolPlace
    var header: SpoolFormat.Header
    var action: SpoolRecord.Action
    /// What the ranges in `action` count in. The mapping stays as long as the item.
    var payload: UnsafeRawBufferPointer
    var mapping: SpoolMapping
    var delivery: Delivery?
  }

  /// The first action at `cursor` or behind it, and the cursor behind that one; nil when there is none yet.
  func next(from cursor: inout SpoolPlace) -> Item? {
    while true {
      guard let (file, isLast) = file(at: &cursor) else { return nil }
      let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(file.mapping.bytes)[..<file.actionsEnd])
      guard cursor.position < file.actionsEnd else {
        if isLast { return nil }
        cursor = SpoolPlace(file: cursor.file + 1, position: SpoolFormat.headerBytes)
        continue
      }
      guard case .record(let record, let end) = SpoolScan.record(in: bytes, at: cursor.position, file.header) else {
        // Verified when the spool was opened, or written by this process: it has been changed since.
        logger.error(
          "a spool file has changed under its process; what follows in it is lost",
          metadata: ["file": "\(file.header.number)", "byte": "\(cursor.position)"])
        cursor.position = file.actionsEnd
        continue
      }
      let place = cursor
      cursor.position = end
      guard case .action(let action) = record else { continue }
      let start = place.position + SpoolFormat.recordHeadBytes
      return Item(
        place: place, end: cursor, header: file.header, action: action,
        payload: UnsafeRawBufferPointer(rebasing: bytes[start..<end]), mapping: file.mapping,
        delivery: delivery(of: place)
      )
    }
  }

  private func file(at cursor: inout SpoolPlace) -> (File, isLast: Bool)? {
    state.withLock { state in
      // Numbers of files have gaps where a log was given up.
      guard let index = state.files.firstIndex(where: { $0.header.number >= cursor.file }) else { return nil }
      let file = state.files[index]
      if file.header.number > cursor.file {
        cursor = SpoolPlace(file: file.header.number, position: SpoolFormat.headerBytes)
      }
      return (file, index == state.files.count - 1)
    }
  }

  private func delivery(of place: SpoolPlace) -> Delivery? {
    state.withLock { state in state.deliveries.isEmpty ? nil : state.deliveries.removeValue(forKey: place) }
  }

  /// Of actions that were not sent.
  func takeDeliveries() -> [Delivery] {
    state.withLock { state in
      defer { state.deliveries = [:] }
      return Array(state.deliveries.values)
    }
  }

  /// Notes that everything before `place` needs no publishing any more.
  func acknowledge(_ place: SpoolPlace, actions: Int) {
    state.withLock { state in
      guard state.acknowledged < place else { return }
      state.acknowledged = place
      state.pending -= actions
      state.progress.store(place)
    }
  }
}

extension Spool.State {
  /// Writes a record behind the last one, its length last: a process killed in between leaves no record.
  @discardableResult
  mutating func write(payload: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) -> SpoolPlace {
    let index = files.count - 1
    let (header, position, bytes) = (files[index].header, files[index].end, files[index].mapping.bytes)
    let start = position + SpoolFormat.recordHeadBytes
    let room = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<(start + payload)])
    fill(room)
    bytes.put(SpoolFormat.checksum(UnsafeRawBufferPointer(room), of: header, at: position), at: position + 4)
    atomicMemoryFence(ordering: .releasing)
    bytes.put(UInt32(truncatingIfNeeded: payload), at: position)
    files[index].end = position + SpoolFormat.recordBytes(payload: payload)
    files[index].isUnsynced = true
    return SpoolPlace(file: header.number, position: position)
  }

  /// Makes a file the one that is written to; it begins with where the numbers stand.
  mutating func begin(_ file: Spool.File) {
    files.append(file)
    let numbers = numbers
    write(payload: numbers.payloadBytes) { numbers.write(to: $0) }
  }
}
