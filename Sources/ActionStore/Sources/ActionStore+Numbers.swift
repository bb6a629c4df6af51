package import AuditActions

/// Actions by the numbers their sources gave them.
extension ActionStore {
  /// Most actions of one page.
  package static let numberedActionsMax = 500

  /// A log's actions of `ranges` above `after` that are still there, ascending by number, none below the log's purge
  /// point. May wait for the disk: not for an event loop.
  ///
  /// Those that version 3 of the data directory stored have no numbers here, those of version 4 no proofs.
  ///
  /// - Parameters:
  ///   - limit: 1 … ``numberedActionsMax``
  ///   - bytesMax: of the bodies and proofs together; one action is given whatever its size
  /// - Throws: `damaged` while a damaged file waits to be set aside.
  package func numberedActions(
    _ key: SourceLogKey, in ranges: SequenceRanges, after: Int64 = 0, limit: Int, bytesMax: Int = 4 << 20
  ) throws(StoreError) -> NumberedPage {
    let floor = purgePoint(of: key) - 1
    let reader = NumberedReader(snapshot: view.snapshot, key: key, now: nowMilliseconds())
    return try reader.page(
      ranges, after: max(after, floor), limit: min(max(1, limit), Self.numberedActionsMax), bytesMax: bytesMax)
  }

  /// When a stored action came into being, on the wall clock's scale: the same whenever it is asked for, as what is sent
  /// on is known again by it.
  package func recordMilliseconds(_ action: StoredAction) -> Int64 {
    let wall = wallMilliseconds(at: action.createdMilliseconds)
    // Less than a second is what clocks that are read one after the other differ by.
    return action.createdMilliseconds &- wall < 1_000 ? action.createdMilliseconds : wall
  }

  /// From which number on a log's actions are wanted; 1 where nobody said so.
  package func purgePoint(of key: SourceLogKey) -> Int64 { purgePoints[key] }

  /// Raises it, for good; a lower one changes nothing. Waits for the disk.
  /// - Returns: the one that holds then.
  /// - Throws: `inputOutput`; `budgetExhausted` where too many logs have one.
  package func raisePurgePoint(of key: SourceLogKey, to lowest: Int64) throws(StoreError) -> Int64 {
    let raised: Int64?
    do {
      raised = try purgePoints.raise(key, to: lowest) { try catalog.setPurgePoint(key, lowest) }
    } catch {
      throw StoreError(.inputOutput, "cannot write catalog.sqlite: \(error)")
    }
    guard let raised else {
      throw StoreError(.budgetExhausted, "as many logs as there may be have a purge point")
    }
    return raised
  }
}
