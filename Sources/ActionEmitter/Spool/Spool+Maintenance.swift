import Synchronization

/// Everything of a spool that may block: only the publisher's thread calls it.
extension Spool {
  /// Removes files whose actions are all published, and makes new ones in their place.
  /// - Throws: the first failure; the rest is done all the same, and what failed is tried again with the next call.
  func maintain() throws(EmitError) {
    var first: EmitError?
    do throws(EmitError) { try removePublished() } catch { first = error }
    do throws(EmitError) { try makeAhead() } catch { first = first ?? error }
    metrics.record(pending: state.withLock { $0.pending })
    if let first { throw first }
  }

  private func removePublished() throws(EmitError) {
    let departing = state.withLock { state in
      while state.files.count > 1, let file = state.files.first,
        state.acknowledged >= SpoolPlace(file: file.header.number, position: file.actionsEnd)
      {
        state.files.removeFirst()
        state.departing.append(file.header.number)
        let next = SpoolPlace(file: state.files[0].header.number, position: SpoolFormat.headerBytes)
        // Stored before the file goes: one that is missing later is not taken for lost.
        if state.acknowledged < next {
          state.acknowledged = next
          state.progress.store(next)
        }
      }
      return state.departing
    }
    for number in departing {
      try folder.disk.unlink(folder.path(of: number))
      state.withLock { $0.departing.removeAll { $0 == number } }
    }
  }

  private func makeAhead() throws(EmitError) {
    while true {
      let number: UInt64? = state.withLock { state in
        let count = state.files.count + state.spare.count + state.departing.count
        guard count < configuration.filesMax else { return nil }
        return (state.spare.last ?? state.files.last).map { $0.header.number + 1 }
      }
      guard let number else { return }
      let file = try SpoolOpening.make(number: number, logID, source, configuration, folder)
      state.withLock { $0.spare.append(file) }
      waiters.wake()
    }
  }

  /// Whether somebody waits for the disk.
  var awaitsSync: Bool { state.withLock { !$0.syncs.isEmpty } }

  func takeSyncs() -> [(position: SpooledPosition, told: Sync)] {
    state.withLock { state in
      defer { state.syncs = [] }
      return state.syncs
    }
  }

  var isUnsynced: Bool { state.withLock { state in state.files.contains { $0.isUnsynced } } }

  /// Has the disk keep what was accepted up to now, and tells those who wait for it.
  /// - Throws: `spool`; then it is tried again with the next call.
  func sync() throws(EmitError) {
    let (files, syncs) = state.withLock { state in
      defer {
        for index in state.files.indices { state.files[index].isUnsynced = false }
        state.syncs = []
      }
      return (state.files.filter { $0.isUnsynced }, state.syncs)
    }
    do throws(EmitError) {
      for file in files { try folder.disk.sync(file.mapping, folder.path(of: file.header.number)) }
    } catch {
      let numbers = Set(files.map(\.header.number))
      state.withLock { state in
        for index in state.files.indices where numbers.contains(state.files[index].header.number) {
          state.files[index].isUnsynced = true
        }
      }
      metrics.syncFailed()
      // Not to be called not written: the next sync may keep it, and Kafka get it.
      for sync in syncs { sync.told(.failure(.notSynced(error))) }
      throw error
    }
    for sync in syncs { sync.told(.success(sync.position)) }
  }

  /// Makes everything durable and notes that the log may go on whatever happens to the system, then gives the folder
  /// free. To be called once, when nothing is accepted or published any more.
  func finish() throws(EmitError) {
    defer { letGo() }
    try maintain()
    try sync()
    let mapping = state.withLock { state in
      state.progress.store(state.acknowledged, isClosed: true)
      return state.progress.mapping
    }
    try folder.disk.sync(mapping, folder.progressPath)
  }
}
