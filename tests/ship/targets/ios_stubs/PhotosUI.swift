// What the app uses of Apple's module, for type-checking elsewhere.
import Foundation
import SwiftUI

public protocol Transferable {}
extension Data: Transferable {}
public struct PhotosPickerItem: Hashable, Sendable {
    public func loadTransferable<T: Transferable>(type: T.Type) async throws -> T? { nil }
}
public struct PHPickerFilter: Sendable { public static let images = PHPickerFilter() }
public struct PhotosPicker<Label: View>: View {
    public typealias Body = Never
    public init(selection: Binding<PhotosPickerItem?>, matching: PHPickerFilter? = nil, @ViewBuilder label: () -> Label) {}
}
