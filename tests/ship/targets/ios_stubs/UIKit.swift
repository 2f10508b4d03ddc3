// What the app uses of Apple's module, for type-checking elsewhere.
import Foundation

@MainActor open class UIResponder: NSObject { public override nonisolated init() {} }
open class CALayer: NSObject {}
open class UIView: UIResponder {
    open class var layerClass: AnyClass { CALayer.self }
    public nonisolated(unsafe) let layer = CALayer()
}
public final class UIImage: NSObject, @unchecked Sendable { public init?(data: Data) {} }
public final class UIApplication: UIResponder { public nonisolated static let openSettingsURLString = "app-settings:" }
